import { describe, expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { writeEmbeddingOutput } from "#src/producer/run-kinds/batch/write-embedding-output.ts";
import { openStore, plannedFolder } from "#test/unit/producer/storage/support/sample-records.ts";

import { failure, readLines } from "./output-support.ts";

describe("the output of an embedding run", () => {
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
    const dir = await plannedFolder(items);
    const store = await openStore(dir, items.length);
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
    await store.sync();
    const about = { run: "e-1", model: "embo-01" };
    const { files } = await writeEmbeddingOutput(store, dir, about);
    expect(files).toEqual(["errors.jsonl", "output.jsonl"]);
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
