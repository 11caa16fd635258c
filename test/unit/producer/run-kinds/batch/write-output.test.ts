import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Failure, Item } from "#src/core/item.ts";
import { writeChatOutput } from "#src/producer/run-kinds/batch/write-chat-output.ts";
import { writeEmbeddingOutput } from "#src/producer/run-kinds/batch/write-embedding-output.ts";
import { openAnswerStore } from "#src/producer/storage/answer-store.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";
import { temporaryFolder } from "#test/unit/producer/storage/support/sample-records.ts";

const now = () => 1_800_000_000_000;

async function* inBlocks(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  for (let at = 0; at < items.length; at += 7) yield items.slice(at, at + 7);
}

function readLines(dir: string, name: string) {
  return readFileSync(join(dir, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const failure = (kind: Failure["kind"], code?: string): Failure => ({
  kind,
  message: `a made-up ${kind}`,
  ...(code === undefined ? {} : { code }),
});

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
    const store = await openAnswerStore(dir, { items: ITEMS, now });
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
    return store;
  }

  test("has every request once, in order, in one of its files", async () => {
    const dir = await temporaryFolder();
    const store = await fill(dir);
    expect(await writeChatOutput(store, inBlocks(items), dir, { run: "c-1" })).toEqual([
      "errors.jsonl",
      "output.jsonl",
    ]);
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
              message: "a made-up content-filter",
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
        error: { code: "server", message: "a made-up server" },
      },
      expect.objectContaining({ custom_id: "q-599", error: null }),
    ]);
    expect(new Set([...answers, ...errors].map((line) => line.id)).size).toBe(ITEMS);
  });

  test("is the same bytes when it is written again", async () => {
    const dir = await temporaryFolder();
    const store = await fill(dir);
    await writeChatOutput(store, inBlocks(items), dir, { run: "c-1" });
    const first = readFileSync(join(dir, "output.jsonl"));
    await writeChatOutput(store, inBlocks(items), dir, { run: "c-1" });
    await store.close();
    expect(readFileSync(join(dir, "output.jsonl")).equals(first)).toBe(true);
  });

  test("is not written while a record is missing", async () => {
    const dir = await temporaryFolder();
    const store = await fill(dir, [17]);
    await expect(writeChatOutput(store, inBlocks(items), dir, { run: "c-1" })).rejects.toThrow(
      "1 of 600 items have no record yet; the first one is item 17",
    );
    await store.close();
    expect(readdirSync(dir)).toEqual([".work"]);
  });
});

describe("the output of an embedding run", () => {
  const DIMENSIONS = 3;
  const vectorOf = (index: number) => Float32Array.from([index, index / 3, -index]);
  /** Requests of 1, 2, 3, 4, 1, 2, ... texts; blocks end in the middle of some. */
  const sizes = Array.from({ length: 300 }, (_, request) => (request % 4) + 1);
  const items = sizes
    .flatMap((parts, request) => Array.from({ length: parts }, (_, part) => ({ request, part, parts })))
    .map(
      ({ request, part, parts }, index): Item => ({
        index,
        id: part === 0 ? `e-${request}` : `e-${request}\u0000${part}`,
        text: "t",
        tokens: 1,
        metadata: { part, parts, encoding: request % 2 === 0 ? "float" : "base64" },
      }),
    );
  const failedItem = items.findIndex(({ id }) => id === "e-2\u00001");

  test("has a line per request, with its vectors in order and in the form it asked for", async () => {
    const dir = await temporaryFolder();
    const store = await openVectorStore(dir, { items: items.length, dimensions: DIMENSIONS });
    await store.write(
      items.map(({ index }) => ({
        index,
        attempts: 1,
        tokens: 2,
        ...(index === failedItem
          ? { failure: failure("invalid-request") }
          : { vector: Buffer.from(vectorOf(index).buffer) }),
      })),
    );
    const about = { run: "e-1", model: "embo-01" };
    expect(await writeEmbeddingOutput(store, inBlocks(items), dir, about)).toEqual(["errors.jsonl", "output.jsonl"]);
    await store.close();
    const [answers, errors] = [readLines(dir, "output.jsonl"), readLines(dir, "errors.jsonl")];
    expect(errors.map((line) => line.custom_id)).toEqual(["e-2"]);
    expect(answers.map((line) => line.custom_id)).toEqual(
      sizes.map((_, request) => `e-${request}`).filter((id) => id !== "e-2"),
    );
    for (const { custom_id: id, response } of answers) {
      const own = items.filter((item) => item.id.split("\u0000")[0] === id);
      const vectors = response.body.data.map(({ embedding }: { embedding: string | number[] }) =>
        typeof embedding === "string"
          ? new Float32Array(new Uint8Array(Buffer.from(embedding, "base64")).buffer)
          : Float32Array.from(embedding),
      );
      expect(vectors).toEqual(own.map(({ index }) => vectorOf(index)));
      expect(typeof response.body.data[0].embedding).toBe(
        own[0]?.metadata?.encoding === "base64" ? "string" : "object",
      );
      expect(response.body).toMatchObject({
        object: "list",
        model: "embo-01",
        usage: { prompt_tokens: own.length * 2, total_tokens: own.length * 2 },
      });
    }
  });
});
