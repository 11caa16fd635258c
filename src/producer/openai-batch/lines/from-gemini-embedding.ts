import { type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { definedFields, readObjects, untranslatable } from "./translate-fields.ts";

/**
 * The body of an embedding for a request of Gemini's embedContent, whose fields may be in camel case or snake case. The line
 * names no model, unless `request` does.
 */
export function fromGeminiEmbedding(request: JsonObject, problems: string[]): JsonObject {
  const { content, model, title, taskType, outputDimensionality, ...others } = request;
  const { task_type = taskType, output_dimensionality: dimensions = outputDimensionality, ...rest } = others;
  for (const name of Object.keys(rest)) problems.push(untranslatable(`request.${name}`, "an embedding request"));
  const [part, ...parts] = readObjects(readField(content, "parts"), "request.content.parts", problems);
  const input = readText(part, "text");
  if (input === undefined || parts.length > 0)
    problems.push('"request.content" must have one part, which has a "text"');
  return definedFields({
    model: typeof model === "string" ? model.replace(/^models\//, "") : undefined,
    ...{ input, dimensions, task_type, title },
  });
}
