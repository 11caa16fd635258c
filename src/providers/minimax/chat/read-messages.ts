import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { invalidRequestError } from "./invalid-request-error.ts";

const ROLES = ["system", "user", "assistant", "tool"] as const;

/** Throws `invalid-request` unless there is something to answer and every role is one we know. */
export function checkMessages(messages: readonly ChatMessage[]): void {
  for (const [index, { role }] of messages.entries()) {
    if (!ROLES.includes(role)) throw invalidRequestError(`message ${index} has none of the roles ${ROLES.join(", ")}`);
  }
  if (!messages.some(({ role }) => role !== "system"))
    throw invalidRequestError("a request needs at least one message that is not a system message");
}

/** The text of a message for protocols that know only text; throws for images and the like. */
export function readPlainText({ content }: ChatMessage, index: number): string {
  if (content === null) return "";
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type === "text" && typeof part.text === "string") return part.text;
      throw invalidRequestError(`message ${index} has a part that is not text, which this protocol cannot carry`);
    })
    .join("");
}

/** All system messages as one text: the older protocols have one place for it. Undefined when there is none. */
export function readSystemText(messages: readonly ChatMessage[]): string | undefined {
  const texts = messages
    .map((message, index) => (message.role === "system" ? readPlainText(message, index) : ""))
    .filter((text) => text !== "");
  return texts.length > 0 ? texts.join("\n\n") : undefined;
}

type Parameter = "stop" | "seed" | "tools" | "toolChoice" | "responseFormat";

/**
 * Throws for parameters the protocol has no place for: leaving them out would change the answer silently. Whoever
 * knows better can give the provider's own field as `extra`.
 */
export function rejectParameters(request: ChatRequest, dialect: string, parameters: readonly Parameter[]): void {
  for (const parameter of parameters) {
    const value = request[parameter];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    throw invalidRequestError(`${dialect} has no ${parameter}: leave it out, or choose another dialect for the model`);
  }
}
