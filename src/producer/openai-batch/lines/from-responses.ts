import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { definedFields, readObjects, untranslatable } from "./translate-fields.ts";

const UNTRANSLATABLE = ["previous_response_id", "conversation", "background", "include", "prompt", "max_tool_calls"];

/** The body of a chat completion for one of OpenAI's Responses API. Unknown fields are kept. */
export function fromResponsesBody(body: JsonObject, problems: string[]): JsonObject {
  const { input, instructions, max_output_tokens: limit, text, reasoning, tools, tool_choice: choice, ...rest } = body;
  const { truncation, ...others } = rest;
  if (truncation !== undefined && truncation !== null && truncation !== "disabled")
    problems.push(untranslatable("truncation"));
  for (const name of UNTRANSLATABLE) if (!isAbsent(others[name])) problems.push(untranslatable(name));
  const messages = typeof input === "string" ? [{ role: "user", content: input }] : fromItems(input, problems);
  const passed = Object.entries(others).filter(([name]) => !UNTRANSLATABLE.includes(name));
  return definedFields({
    ...Object.fromEntries(passed),
    messages: isAbsent(instructions) ? messages : [{ role: "system", content: instructions }, ...messages],
    max_completion_tokens: limit,
    response_format: fromFormat(readField(text, "format")),
    verbosity: readField(text, "verbosity"),
    reasoning_effort: readField(reasoning, "effort"),
    tools: isAbsent(tools)
      ? undefined
      : readObjects(tools, "tools", problems).map((tool, i) => fromTool(tool, i, problems)),
    tool_choice:
      isObject(choice) && choice.type === "function" ? { type: "function", function: { name: choice.name } } : choice,
  });
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

function fromFormat(format: unknown): unknown {
  if (!isObject(format) || format.type === "text") return undefined;
  const { type, ...schema } = format;
  return type === "json_schema" ? { type, json_schema: schema } : format;
}

function fromTool(tool: JsonObject, index: number, problems: string[]): JsonObject {
  const { type, ...definition } = tool;
  if (type !== "function") problems.push(untranslatable(`tools[${index}]`));
  return { type, function: definition };
}

function fromItems(input: unknown, problems: string[]): JsonObject[] {
  const messages: JsonObject[] = [];
  for (const [index, item] of readObjects(input, "input", problems).entries()) {
    const { type = "message" } = item;
    if (type === "message") {
      messages.push({ role: item.role, content: fromContent(item.content, `input[${index}].content`, problems) });
    } else if (type === "function_call") {
      const call = { id: item.call_id, type: "function", function: { name: item.name, arguments: item.arguments } };
      const last = messages.at(-1);
      if (last && Array.isArray(last.tool_calls))
        messages[messages.length - 1] = { ...last, tool_calls: [...last.tool_calls, call] };
      else messages.push({ role: "assistant", content: null, tool_calls: [call] });
    } else if (type === "function_call_output") {
      const content = fromContent(item.output, `input[${index}].output`, problems);
      messages.push({ role: "tool", tool_call_id: item.call_id, content });
    } else problems.push(untranslatable(`input[${index}]`));
  }
  return messages;
}

function fromContent(content: unknown, field: string, problems: string[]): unknown {
  if (!Array.isArray(content)) return content;
  return readObjects(content, field, problems).map((part, index) => {
    const text = readText(part, "text");
    if (text !== undefined) return { type: "text", text };
    const url = readText(part, "image_url");
    if (url === undefined) problems.push(untranslatable(`${field}[${index}]`));
    return { type: "image_url", image_url: definedFields({ url, detail: part.detail }) };
  });
}
