import type { ChatRequest } from "./provider.ts";

/**
 * A request keeps the name that it used for `maxTokens` in `extra.max_completion_tokens`. These are the other fields, for
 * protocols that have their own name for the limit.
 */
export function omitMaxTokensAlias(extra: ChatRequest["extra"] = {}): Readonly<Record<string, unknown>> {
  const { max_completion_tokens: _, ...others } = extra;
  return others;
}
