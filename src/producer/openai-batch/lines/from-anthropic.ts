import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { definedFields, readObjects, untranslatable } from "./translate-fields.ts";

const TOOL_CHOICES: Readonly<Record<string, string>> = { auto: "auto", any: "required", none: "none" };

/** The body of a chat completion for the parameters of Anthropic's Messages API. Unknown fields are kept. */
export function fromAnthropicParams(params: JsonObject, problems: string[]): JsonObject {
  const { system, messages, stop_sequences: stop, tools, tool_choice: choice, metadata, ...others } = params;
  const read = readObjects(messages, "messages", problems).flatMap((message, index) =>
    fromMessage(message, `messages[${index}]`, problems),
  );
  const systemContent = Array.isArray(system) ? readObjects(system, "system", problems) : system;
  return definedFields({
    ...others,
    messages: systemContent === undefined ? read : [{ role: "system", content: systemContent }, ...read],
    stop,
    tools: tools === undefined ? undefined : readObjects(tools, "tools", problems).map(fromTool),
    tool_choice: fromToolChoice(choice),
    parallel_tool_calls: readField(choice, "disable_parallel_tool_use") === true ? false : undefined,
    user: readField(metadata, "user_id"),
  });
}

function fromTool(tool: JsonObject): unknown {
  const { name, description, input_schema: parameters, ...others } = tool;
  if (parameters === undefined) return tool;
  return { type: "function", function: definedFields({ name, description, parameters }), ...others };
}

function fromToolChoice(choice: unknown): unknown {
  const type = readText(choice, "type");
  if (type === "tool") return { type: "function", function: { name: readField(choice, "name") } };
  return type === undefined ? choice : TOOL_CHOICES[type];
}

/** A message as one or several: results of tools are messages of their own, before the rest of the content. */
function fromMessage(message: JsonObject, field: string, problems: string[]): JsonObject[] {
  const { role, content, ...others } = message;
  if (!Array.isArray(content)) return [message];
  const parts: JsonObject[] = [];
  const results: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const reasoning: JsonObject[] = [];
  for (const [index, block] of readObjects(content, `${field}.content`, problems).entries()) {
    const { type } = block;
    if (type === "text") parts.push(block);
    else if (type === "image") parts.push(fromImage(block, `${field}.content[${index}]`, problems));
    else if (type === "tool_use") calls.push(fromToolUse(block));
    else if (type === "tool_result") results.push(fromToolResult(block, `${field}.content[${index}]`, problems));
    else if (type === "thinking")
      reasoning.push({ type: "reasoning.text", text: block.thinking, signature: block.signature });
    else if (type === "redacted_thinking") reasoning.push({ type: "reasoning.encrypted", data: block.data });
    else problems.push(untranslatable(`${field}.content[${index}]`));
  }
  if (parts.length === 0 && calls.length === 0 && reasoning.length === 0) return results;
  const rest = definedFields({
    ...others,
    role,
    content: parts.length > 0 ? parts : null,
    tool_calls: calls.length > 0 ? calls : undefined,
    reasoning_details: reasoning.length > 0 ? reasoning : undefined,
  });
  return [...results, rest];
}

function fromToolUse({ id, name, input }: JsonObject): JsonObject {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function fromToolResult(
  { tool_use_id: id, content, is_error: isError }: JsonObject,
  field: string,
  problems: string[],
) {
  const blocks = Array.isArray(content) ? readObjects(content, `${field}.content`, problems) : undefined;
  const parts = blocks?.map((block, index) => {
    if (block.type === "image") return fromImage(block, `${field}.content[${index}]`, problems);
    if (block.type !== "text") problems.push(untranslatable(`${field}.content[${index}]`));
    return block;
  });
  return definedFields({ role: "tool", tool_call_id: id, content: parts ?? content ?? "", is_error: isError });
}

function fromImage({ source, ...others }: JsonObject, field: string, problems: string[]): JsonObject {
  const data = readText(source, "data");
  const url = readText(source, "url") ?? (data && `data:${readText(source, "media_type")};base64,${data}`);
  if (!isObject(source) || url === undefined) problems.push(untranslatable(`${field}.source`));
  return { ...others, type: "image_url", image_url: { url } };
}
