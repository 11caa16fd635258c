import { invalidRequestError } from "./invalid-request-error.ts";
import type { ChatRequest } from "./provider.ts";

/**
 * The further fields of a request, for protocols that have their own name for the limit of tokens and give one answer per
 * call. Leaves out `max_completion_tokens`, which only says that the request used this name for `maxTokens`, and an `n` of
 * 1. Throws `invalid-request` for another `n`, because the answer would contain one choice only.
 */
export function omitCommonFields(
  provider: string,
  extra: ChatRequest["extra"] = {},
): Readonly<Record<string, unknown>> {
  const { max_completion_tokens: _, n = 1, ...others } = extra;
  if (n !== 1) throw invalidRequestError(provider, "n must be 1 for one call");
  return others;
}
