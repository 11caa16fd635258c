import { ProviderError } from "#src/core/errors.ts";
import type { ChatMessage } from "#src/providers/provider.ts";
import { SPARK_NAME } from "./profile.ts";

export interface SparkMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * The conversation in Spark's WebSocket form: plain texts, and system messages together as the first message, where
 * the version has that role. Where it has not, they open the first user message. Nothing is left out: what has no
 * place throws `invalid-request`.
 */
export function toPlainMessages(messages: readonly ChatMessage[], system: boolean): SparkMessage[] {
  const plain = messages.map(toPlainMessage);
  if (plain.length === 0) throw invalidRequestError("the request holds no message");
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
      `message ${position} belongs to a tool call, which Spark's WebSocket interface has no form for: use the HTTP interface (SPARK_PROTOCOL=http)`,
    );
  return { role, content: toPlainContent(message.content, position) };
}

function toPlainContent(content: ChatMessage["content"], position: number): string {
  if (content === null) return "";
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type === "text" && typeof part.text === "string") return part.text;
      throw invalidRequestError(`message ${position} holds a part that is no text; Spark's models here take text only`);
    })
    .join("");
}

function invalidRequestError(message: string): ProviderError {
  return new ProviderError(message, { kind: "invalid-request", provider: SPARK_NAME });
}
