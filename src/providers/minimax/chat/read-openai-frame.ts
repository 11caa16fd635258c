import {
  type AnswerFrame,
  asObject,
  asText,
  firstChoice,
  readCommonFields,
  readFinish,
  type ToolCallDelta,
} from "./answer-frame.ts";

/**
 * `chatcompletion_v2` and the OpenAI-compatible endpoint: `delta` in chunks (null or absent where there is nothing
 * to add), `message` in whole answers and in the extra frame that closes a stream with everything once more.
 */
export function readOpenaiFrame(json: Readonly<Record<string, unknown>>): AnswerFrame {
  const choice = firstChoice(json);
  const common = { ...readCommonFields(json), ...readFinish(choice) };
  const message = asObject(choice?.message);
  const parts = readParts(asObject(choice?.delta));
  if (!message) return { ...common, ...parts, isClosing: false };
  return {
    ...common,
    ...parts,
    whole: readParts(message),
    isClosing: json.object !== "chat.completion.chunk",
  };
}

function readParts(source: Record<string, unknown> | undefined): NonNullable<AnswerFrame["whole"]> {
  return {
    text: readContent(source?.content),
    reasoning: asText(source?.reasoning_content) || readDetails(source?.reasoning_details),
    toolCalls: readToolCalls(source?.tool_calls),
  };
}

/** Text, or a list of parts of which those with text count. */
function readContent(content: unknown): string {
  if (!Array.isArray(content)) return asText(content);
  return content.map((part) => asText(asObject(part)?.text)).join("");
}

function readDetails(details: unknown): string {
  return Array.isArray(details) ? details.map((detail) => asText(asObject(detail)?.text)).join("") : "";
}

function readToolCalls(calls: unknown): ToolCallDelta[] {
  if (!Array.isArray(calls)) return [];
  return calls.map((value, position) => {
    const call = asObject(value);
    const called = asObject(call?.function);
    const { index } = call ?? {};
    return {
      index: typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : position,
      ...(asText(call?.id) && { id: asText(call?.id) }),
      ...(asText(called?.name) && { name: asText(called?.name) }),
      ...(typeof called?.arguments === "string" && { arguments: called.arguments }),
    };
  });
}
