import { type JsonObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import { definedFields, readObjects, untranslatable } from "./translate-fields.ts";

const TRANSLATED = new Set([
  ...["maxOutputTokens", "temperature", "topP", "topK", "stopSequences", "seed", "candidateCount"],
  ...["responseMimeType", "responseSchema", "responseJsonSchema", "presencePenalty", "frequencyPenalty"],
]);
const TOOL_MODES: Readonly<Record<string, string>> = { AUTO: "auto", ANY: "required", NONE: "none" };

/** The body of a chat completion for a request of Gemini's generateContent. The line names no model, unless `request` does. */
export function fromGeminiRequest(request: JsonObject, problems: string[]): JsonObject {
  const { contents, tools, toolConfig, model, ...others } = request;
  const { systemInstruction, system_instruction: instruction = systemInstruction, ...unnamed } = others;
  const { generationConfig, generation_config: config = generationConfig, ...rest } = unnamed;
  for (const name of Object.keys(rest)) problems.push(untranslatable(`request.${name}`));
  const system = readField(instruction, "parts");
  const messages = readObjects(contents, "request.contents", problems).flatMap((content, index) =>
    fromContent(content, `request.contents[${index}]`, problems),
  );
  return definedFields({
    model: typeof model === "string" ? model.replace(/^models\//, "") : undefined,
    messages:
      system === undefined
        ? messages
        : [{ role: "system", content: fromParts(system, "systemInstruction", problems) }, ...messages],
    ...fromConfig(config, problems),
    ...fromTools(tools, toolConfig, problems),
  });
}

function fromConfig(value: unknown, problems: string[]): JsonObject {
  const config = readObject({ value }, "value") ?? {};
  for (const name of Object.keys(config))
    if (!TRANSLATED.has(name)) problems.push(untranslatable(`request.generationConfig.${name}`));
  const schema = config.responseJsonSchema ?? config.responseSchema;
  const isJson = config.responseMimeType === "application/json";
  return {
    max_tokens: config.maxOutputTokens,
    temperature: config.temperature,
    top_p: config.topP,
    top_k: config.topK,
    stop: config.stopSequences,
    seed: config.seed,
    n: config.candidateCount,
    presence_penalty: config.presencePenalty,
    frequency_penalty: config.frequencyPenalty,
    response_format: schema
      ? { type: "json_schema", json_schema: { name: "response", schema } }
      : isJson
        ? { type: "json_object" }
        : undefined,
  };
}

function fromTools(tools: unknown, toolConfig: unknown, problems: string[]): JsonObject {
  if (tools === undefined) return {};
  const functions = readObjects(tools, "request.tools", problems).flatMap((tool, index) => {
    if (tool.functionDeclarations === undefined) problems.push(untranslatable(`request.tools[${index}]`));
    return readObjects(tool.functionDeclarations, `request.tools[${index}].functionDeclarations`, problems);
  });
  const mode = readText(readField(toolConfig, "functionCallingConfig"), "mode");
  return {
    tools: functions.map(({ name, description, parameters, parametersJsonSchema }) => ({
      type: "function",
      function: definedFields({ name, description, parameters: parametersJsonSchema ?? parameters }),
    })),
    tool_choice: mode === undefined ? undefined : TOOL_MODES[mode],
  };
}

/** Calls and results have no ids in Gemini's format: they are named after their function. */
function fromContent(content: JsonObject, field: string, problems: string[]): JsonObject[] {
  const parts = readObjects(content.parts, `${field}.parts`, problems);
  const results = parts.flatMap(({ functionResponse: result }) =>
    result === undefined
      ? []
      : [
          {
            role: "tool",
            tool_call_id: nameCall(result),
            content: JSON.stringify(readField(result, "response") ?? {}),
          },
        ],
  );
  const calls = parts.flatMap(({ functionCall: call }) =>
    call === undefined
      ? []
      : [
          {
            id: nameCall(call),
            type: "function",
            function: { name: readField(call, "name"), arguments: JSON.stringify(readField(call, "args") ?? {}) },
          },
        ],
  );
  const others = parts.filter(({ functionCall, functionResponse }) => !functionCall && !functionResponse);
  const text = fromParts(others, `${field}.parts`, problems);
  if (others.length === 0 && calls.length === 0) return results;
  const role = content.role === "model" ? "assistant" : "user";
  const message = {
    role,
    content: others.length === 0 ? null : text,
    tool_calls: calls.length > 0 ? calls : undefined,
  };
  return [...results, definedFields(message)];
}

function nameCall(call: unknown): unknown {
  return readField(call, "id") ?? readField(call, "name");
}

function fromParts(value: unknown, field: string, problems: string[]): unknown {
  const parts = readObjects(value, field, problems).map((part, index) => {
    const { text, inlineData, fileData } = part;
    if (typeof text === "string" && part.thought !== true) return { type: "text", text };
    const url =
      readText(fileData, "fileUri") ??
      (inlineData && `data:${readText(inlineData, "mimeType")};base64,${readText(inlineData, "data")}`);
    const isImage = readText(inlineData ?? fileData, "mimeType")?.startsWith("image/");
    if (!isImage) problems.push(untranslatable(`${field}[${index}]`));
    return { type: "image_url", image_url: { url } };
  });
  const [only] = parts;
  return parts.length === 1 && only && "text" in only ? only.text : parts;
}
