import { collectExtra } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatResponse, ToolCall } from "#src/providers/provider.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import type { StreamState } from "./stream-state.ts";

/** What the stream lacks to count as complete. */
export function findMissing({ finishReason, isDone }: StreamState, { terminal }: ChatDialect): string | undefined {
  if (terminal === "end-of-body") return undefined;
  if (terminal !== "done" && finishReason === undefined) return "a finish reason";
  return terminal !== "finish-reason" && !isDone ? "its terminal marker" : undefined;
}

/** The answer of a complete stream. */
export function buildResponse(state: StreamState, toolCalls: readonly ToolCall[]): ChatResponse {
  return {
    text: state.text,
    reasoning: state.reasoning || undefined,
    reasoningField: state.reasoningField,
    refusal: state.refusal || undefined,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: state.finishReason ?? { unified: "other" },
    usage: state.usage ?? {},
    ...state.identity,
    extra: collectExtra({
      body: state.extra,
      choice: state.choiceExtra,
      message: withTextPart(state.messageExtra, state.text),
      logprobs: state.logprobs,
      usage: state.fullUsage,
    }),
  };
}

/** The text goes before the parts of the content that are not text, if there are any. */
function withTextPart(fields: StreamState["messageExtra"], text: string): StreamState["messageExtra"] {
  const parts = fields.get("content");
  if (!Array.isArray(parts) || text === "") return fields;
  return new Map([...fields, ["content", [{ type: "text", text }, ...parts]]]);
}
