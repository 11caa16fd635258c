import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import type { ChatMessage } from "#src/providers/provider.ts";
import { joinTextContent } from "#src/providers/text-content.ts";
import { SPARK_NAME } from "./profile.ts";

interface SparkMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * The conversation in Spark's WebSocket form: plain texts, with all system messages merged into the first message. For
 * versions without a system role, they are prepended to the first user message. Nothing is dropped: unsupported content
 * throws `invalid-request`.
 */
export function toPlainMessages(messages: readonly ChatMessage[], system: boolean): SparkMessage[] {
  const plain = messages.map(toPlainMessage);
  if (plain.length === 0) throw invalidRequestError(SPARK_NAME, "the request contains no message");
  const instructions = plain.filter(({ role }) => role === "system").map(({ content }) => content);
  const others = plain.filter(({ role }) => role !== "system");
  if (instructions.length === 0) return others;
  const instruction = instructions.join("\n\n");
  if (system) return [{ role: "system", content: instruction }, ...others];
  const first = others.findIndex(({ role }) => role === "user");
  const user = others[first];
  if (user === undefined) return [{ role: "user", content: instruction }, ...others];
  return others.with(first, { role: "user", content: `${instruction}\n\n${user.content}` });
}

function toPlainMessage(message: ChatMessage, position: number): SparkMessage {
  const { role } = message;
  if (role === "tool" || (message.toolCalls?.length ?? 0) > 0)
    throw invalidRequestError(
      SPARK_NAME,
      `message ${position} belongs to a tool call, which Spark's WebSocket interface does not support: use the HTTP interface (SPARK_PROTOCOL=http)`,
    );
  const content = joinTextContent(message.content);
  if (content !== undefined) return { role, content };
  throw invalidRequestError(
    SPARK_NAME,
    `message ${position} has a part that is not text; Spark's models support only text`,
  );
}
