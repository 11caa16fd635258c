import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Failure, Item } from "#src/core/item.ts";
import { writeChatOutput } from "#src/producer/run-kinds/batch/write-chat-output.ts";
import { listOutput, openStore, plannedFolder } from "#test/unit/producer/storage/support/sample-records.ts";

import { failure, readLines } from "./output-support.ts";

describe("the output of a chat run", () => {
  const ITEMS = 600;
  const FAILED = new Map<number, Failure>([
    [3, failure("content-filter", "1301")],
    [5, failure("server")],
    [599, failure("too-long")],
  ]);
  const items = Array.from(
    { length: ITEMS },
    (_, index): Item => ({
      index,
      id: `q-${index}`,
      text: "{}",
      tokens: 1,
      metadata: { model: "zhipu/glm-4-plus" },
    }),
  );

  async function fill(dir: string, except: readonly number[] = []) {
    const store = await openStore(dir, ITEMS, { vectors: undefined });
    const order = items.map(({ index }) => (index * 7) % ITEMS).filter((index) => !except.includes(index));
    await store.write(
      [...new Set([...order, ...items.map(({ index }) => index)])]
        .filter((index) => !except.includes(index))
        .map((index) => {
          const failed = FAILED.get(index);
          const json = {
            text: `answer ${index}`,
            finishReason: { unified: "stop" },
            usage: { totalTokens: 3 },
          };
          return { index, attempts: 1, tokens: 3, ...(failed ? { failure: failed } : { json }) };
        }),
    );
    await store.sync();
    return store;
  }

  test("has every request once, in order, in one of its files", async () => {
    const dir = await plannedFolder(items);
    const store = await fill(dir);
    const { files } = await writeChatOutput(store, dir, { run: "c-1" });
    expect(files).toEqual(["errors.jsonl", "output.jsonl"]);
    await store.close();
    const [answers, errors] = [readLines(dir, "output.jsonl"), readLines(dir, "errors.jsonl")];
    expect(answers.map((line) => line.custom_id)).toEqual(
      items.filter(({ index }) => !FAILED.has(index)).map(({ id }) => id),
    );
    expect(answers[0]).toEqual({
      id: expect.stringMatching(/^batch_req_[0-9a-f]{32}$/),
      custom_id: "q-0",
      response: {
        status_code: 200,
        request_id: expect.any(String),
        body: expect.objectContaining({
          object: "chat.completion",
          created: 1_800_000_000,
          model: "glm-4-plus",
          choices: [expect.objectContaining({ message: { role: "assistant", content: "answer 0", refusal: null } })],
          usage: { total_tokens: 3 },
        }),
      },
      error: null,
    });
    expect(errors).toEqual([
      {
        id: expect.any(String),
        custom_id: "q-3",
        response: {
          status_code: 400,
          request_id: expect.any(String),
          body: {
            error: {
              message: "a simulated content-filter",
              type: "invalid_request_error",
              param: null,
              code: "1301",
            },
          },
        },
        error: null,
      },
      {
        id: expect.any(String),
        custom_id: "q-5",
        response: null,
        error: { code: "server", message: "a simulated server" },
      },
      expect.objectContaining({ custom_id: "q-599", error: null }),
    ]);
    expect(new Set([...answers, ...errors].map((line) => line.id)).size).toBe(ITEMS);
  });

  test("is the same bytes when it is written again", async () => {
    const dir = await plannedFolder(items);
    const store = await fill(dir);
    await writeChatOutput(store, dir, { run: "c-1" });
    const first = readFileSync(join(dir, "output.jsonl"));
    await writeChatOutput(store, dir, { run: "c-1" });
    await store.close();
    expect(readFileSync(join(dir, "output.jsonl")).equals(first)).toBe(true);
  });

  test("waits for missing records, and is not written when the store is closed before", async () => {
    const dir = await plannedFolder(items);
    const store = await fill(dir, [17]);
    const refused = expect(writeChatOutput(store, dir, { run: "c-1" })).rejects.toThrow(/is closed/);
    await store.close();
    await refused;
    expect((await listOutput(dir)).filter((name) => name !== ".work")).toEqual([]);
  });
});
