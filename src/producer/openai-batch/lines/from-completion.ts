import type { JsonObject } from "#src/providers/json-value.ts";
import { untranslatable } from "./translate-fields.ts";

/** The body of a chat completion for one of a text completion: the prompt becomes the only message. */
export function fromCompletion(body: JsonObject, problems: string[]): JsonObject {
  const { prompt, echo, best_of: bestOf, suffix, logprobs, ...others } = body;
  const [text, ...more] = Array.isArray(prompt) ? prompt : [prompt];
  if (typeof text !== "string" || more.length > 0) problems.push('"prompt" must be one text');
  const unsupported = {
    echo: echo === true,
    best_of: (bestOf ?? 1) !== 1,
    suffix: suffix ?? false,
    logprobs: logprobs ?? false,
  };
  for (const [name, isSet] of Object.entries(unsupported)) if (isSet !== false) problems.push(untranslatable(name));
  return { ...others, messages: [{ role: "user", content: text }] };
}
