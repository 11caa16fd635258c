import fc from "fast-check";
import { countTokens } from "gpt-tokenizer/encoding/cl100k_base";
import { expect, test } from "vitest";
import { DocumentSplitter } from "#src/producer/plan/split-document.ts";
import { TOKEN_SAMPLES } from "#test/support/token-samples.ts";

const count = (text: string) => countTokens(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });

async function split(text: string, options: { maxTokens: number; chunkTokens?: number; record?: boolean }) {
  const { maxTokens, chunkTokens, record = false } = options;
  const chunk = chunkTokens === undefined ? undefined : { tokens: chunkTokens, overlap: 0 };
  const splitter = new DocumentSplitter({ chunk, maxTokens, tokenizerModel: "text-embedding-3-small" });
  const results = [];
  for await (const result of splitter.split({ id: "a", text, record }, "text")) results.push(result);
  return results;
}

test("no chunk has more tokens than the model accepts, whatever the text is", async () => {
  const piece = fc.oneof(
    fc.constantFrom(...Object.values(TOKEN_SAMPLES)),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({ unit: "binary-ascii", maxLength: 400 }),
    fc.constant("<|endoftext|>"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.boolean(), async (pieces, record) => {
      const text = pieces.join(" ").toWellFormed();
      for (const result of await split(text, { maxTokens: 64, chunkTokens: 64, record })) {
        if ("error" in result) throw new Error(result.error);
        expect(count(result.item.text)).toBeLessThanOrEqual(64);
      }
    }),
    { numRuns: 60 },
  );
});

test("a whole document is measured by the model's own tokens", async () => {
  const hashes = (TOKEN_SAMPLES["Classical Chinese"] ?? "").repeat(3);
  const tokens = count(hashes);
  const [tooLong] = await split(hashes, { maxTokens: tokens - 10 });
  expect(tooLong).toMatchObject({ error: expect.stringContaining("tokens") });
  const [fits] = await split(hashes, { maxTokens: tokens + 10 });
  expect(fits).toHaveProperty("item");
});
