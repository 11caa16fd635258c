import type { TokenCount } from "#src/core/money.ts";
import type { WireRecord } from "./record-codec.ts";

/** A record's tokens, split into input and output. Vectors have input tokens only; answers report their output tokens. */
export function recordUsage({ tokens, failure, json }: WireRecord): TokenCount {
  if (failure) return { input: 0, output: 0 };
  const output = Math.min(tokens, outputTokens(json));
  return { input: tokens - output, output };
}

function outputTokens(json: unknown): number {
  if (typeof json !== "object" || json === null || !("usage" in json)) return 0;
  const { usage } = json;
  if (typeof usage !== "object" || usage === null || !("outputTokens" in usage)) return 0;
  const { outputTokens: count } = usage;
  return typeof count === "number" && count > 0 ? Math.round(count) : 0;
}
