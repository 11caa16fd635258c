import { API_ERRORS } from "#src/api/http/api-error.ts";
import { fromAnthropicParams } from "#src/producer/openai-batch/lines/from-anthropic.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** Parameters that only Anthropic has, and that change nothing about what an answer may contain. */
const ANTHROPIC_ONLY = ["thinking", "top_k", "context_management", "container", "output_config", "inference_geo"];

/**
 * Translates the parameters of a message to the body of a chat completion. Hints for Anthropic's cache and its parameters for
 * thinking are left out for other providers, which would refuse them. Throws an ApiError for what cannot be translated.
 */
export function toChatBody({ stream: _, ...params }: JsonObject, isAnthropic: boolean): JsonObject {
  const problems: string[] = [];
  const supported = isAnthropic ? params : removeCacheHints(omitFields(params, ANTHROPIC_ONLY));
  const body = fromAnthropicParams(isObject(supported) ? supported : {}, problems);
  const [first] = problems;
  if (first === undefined) return body;
  throw API_ERRORS.invalidValue(/^"([^"]{1,200})"/.exec(first)?.[1], `${problems.join("; ")}.`);
}

function omitFields(params: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)));
}

/** Without `cache_control`, which blocks and tools may have at any depth. */
function removeCacheHints(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(removeCacheHints);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => name !== "cache_control");
  return Object.fromEntries(kept.map(([name, field]) => [name, removeCacheHints(field)]));
}
