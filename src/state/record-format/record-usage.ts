import type { TokenCount } from "#src/core/money.ts";
import type { WireRecord } from "./record-codec.ts";

/** A record's tokens, split into input and output. Vectors have input tokens only; answers report their output tokens. */
export function recordUsage({
  tokens,
  failure,
  json,
}: Pick<WireRecord, "tokens" | "failure" | "json">): Required<TokenCount> {
  if (failure) return { input: 0, output: 0, cachedInput: 0, cacheWrite: 0 };
  const output = Math.min(tokens, readCount(json, "outputTokens"));
  const cacheWrite = readCount(json, "cacheWriteTokens");
  return { input: tokens - output, output, cachedInput: readCount(json, "cachedTokens"), cacheWrite };
}

function readCount(json: unknown, name: "outputTokens" | "cachedTokens" | "cacheWriteTokens"): number {
  const usage = isObject(json) ? json.usage : undefined;
  const count = isObject(usage) ? usage[name] : undefined;
  return typeof count === "number" && count > 0 ? Math.round(count) : 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
