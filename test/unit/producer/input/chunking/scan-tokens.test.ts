import { countTokens as countCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { countTokensUpTo, estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { TOKEN_SAMPLES } from "#test/support/token-samples.ts";

const samples = Object.entries(TOKEN_SAMPLES);

test.each(samples)("%s has at most twice the estimated tokens, and at least a sixth", (_, text) => {
  const estimate = estimateTokens(text);
  const [tokens, fewest] = [
    Math.max(countCl100k(text), countO200k(text)),
    Math.min(countCl100k(text), countO200k(text)),
  ];
  // The default size of a chunk is at most half of what the model accepts.
  expect(tokens).toBeLessThan(2 * estimate);
  expect(fewest).toBeGreaterThan(estimate / 6);
});

test.each(samples.filter(([name]) => !/Chinese/.test(name)))(
  "the estimate of %s is not far below cl100k",
  (_, text) => {
    expect(estimateTokens(text) / countCl100k(text)).toBeGreaterThan(0.75);
  },
);

test.each([
  "    ".repeat(100),
  "\n".repeat(300),
  "a\n\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\tb",
])("white space has tokens: %j", (space) =>
  expect(estimateTokens(`a${space}b`)).toBeGreaterThanOrEqual(countCl100k(`a${space}b`)),
);

test.each(samples)("%s is measured up to a limit as without one", (_, text) => {
  const tokens = estimateTokens(text);
  expect(countTokensUpTo(text, tokens)).toBe(tokens);
  expect(countTokensUpTo(text, tokens - 1)).toBeUndefined();
});
