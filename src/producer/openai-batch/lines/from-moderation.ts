import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** OpenAI's default. */
const DEFAULT_MODEL = "omni-moderation-latest";

/** The body of a chat completion for one of a moderation: each input becomes a message, and a list of parts becomes one. */
export function fromModeration(body: JsonObject, problems: string[]): JsonObject {
  const { input, model, ...others } = body;
  const isParts = Array.isArray(input) && input.length > 0 && input.every(isObject);
  const contents: readonly unknown[] = Array.isArray(input) && !isParts ? input : [input];
  if (contents.length === 0 || (!isParts && contents.some((text) => typeof text !== "string")))
    problems.push('"input" must be a text, a list of texts, or a list of parts');
  return { ...others, model: model ?? DEFAULT_MODEL, messages: contents.map((content) => ({ role: "user", content })) };
}
