import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { omitCommonFields } from "#src/providers/omit-common-fields.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { checkMessages, readPlainText, readSystemText, rejectParameters } from "./read-messages.ts";

/** MiniMax truncates answers after 256 tokens by default. */
export const NATIVE_OUTPUT_TOKENS = 1024;

/**
 * The body of `chatcompletion`. The system text is the `prompt`, which requires the speakers' names; MiniMax rejects empty
 * values.
 */
export function encodeTextRequest(model: string, request: ChatRequest, stream: boolean): Record<string, unknown> {
  const { messages, maxTokens, temperature, topP, extra } = request;
  checkMessages(messages);
  rejectParameters(request, "chatcompletion", ["stop", "seed", "tools", "toolChoice", "responseFormat"]);
  const prompt = readSystemText(messages);
  const body = {
    model,
    prompt,
    role_meta: prompt === undefined ? undefined : nameSpeakers(messages),
    messages: messages.flatMap((message, index) => toSender(message, index)),
    tokens_to_generate: maxTokens ?? NATIVE_OUTPUT_TOKENS,
    temperature,
    top_p: topP,
    use_standard_sse: stream || undefined,
    ...omitCommonFields(MINIMAX_NAME, extra),
    stream,
  };
  checkText(body);
  return body;
}

function toSender(message: ChatMessage, index: number): { sender_type: string; text: string }[] {
  if (message.role === "system") return [];
  if (message.role === "tool" || (message.toolCalls?.length ?? 0) > 0)
    throw invalidRequestError(
      MINIMAX_NAME,
      `message ${index} belongs to a tool call, which chatcompletion does not support`,
    );
  const sender_type = message.role === "user" ? "USER" : "BOT";
  return [{ sender_type, text: readPlainText(message, index) }];
}

function nameSpeakers(messages: readonly ChatMessage[]) {
  const nameOf = (role: string) => messages.find((message) => message.role === role && message.name)?.name;
  return { user_name: nameOf("user") ?? "User", bot_name: nameOf("assistant") ?? "Assistant" };
}

function checkText(body: Readonly<Record<string, unknown>>): void {
  if (body.prompt === "") throw invalidRequestError(MINIMAX_NAME, "prompt must not be empty: leave it out instead");
  const meta = body.role_meta;
  if (typeof meta === "object" && meta !== null && Object.values(meta).some((name) => name === ""))
    throw invalidRequestError(MINIMAX_NAME, "role_meta must not contain empty names: leave it out instead");
  if (body.stream === true && body.beam_width !== undefined && body.beam_width !== 1)
    throw invalidRequestError(MINIMAX_NAME, "beam_width cannot be combined with a stream");
}
