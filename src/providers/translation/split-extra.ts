import { isObject } from "#src/providers/json-value.ts";
import type { TranslationReport } from "./translation-report.ts";

/** OpenAI's parameters that concern only its own storage, caching and streams, so that the answer is the same without them. */
const WITHOUT_EFFECT = new Set([
  "store",
  "prompt_cache_key",
  "prompt_cache_retention",
  "stream_options",
  // The other name of the request's `maxTokens`.
  "max_completion_tokens",
]);

/** OpenAI's parameters that change the answer, and the values with which they do not. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  n: (value) => value === 1,
  modalities: (value) => Array.isArray(value) && value.every((modality) => modality === "text"),
  audio: () => false,
  prediction: () => false,
  verbosity: (value) => value === "medium",
  web_search_options: () => false,
  functions: () => false,
  function_call: () => false,
  reasoning: () => false,
};

/**
 * The fields of `extra` that are sent unchanged: those that OpenAI does not define, because they are meant for this
 * provider. Adds a problem for each parameter of OpenAI that would change the answer. `handled` names the fields that the
 * caller translates.
 */
export function splitExtra(
  extra: Readonly<Record<string, unknown>> = {},
  handled: readonly string[],
  report: TranslationReport,
): Record<string, unknown> {
  const passed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(extra)) {
    if (handled.includes(name) || WITHOUT_EFFECT.has(name)) continue;
    const isNeutral = Object.hasOwn(NEUTRAL, name) ? NEUTRAL[name] : undefined;
    if (!isNeutral) passed[name] = value;
    else if (!isNeutral(value)) report.rejectUntranslatable(name);
  }
  return passed;
}
