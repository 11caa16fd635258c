import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import { joinTextContent } from "#src/providers/text-content.ts";

const ROLES = ["system", "user", "assistant", "tool"] as const;

/** Throws `invalid-request` for an unknown role, and when there are only system messages or none. */
export function checkMessages(messages: readonly ChatMessage[]): void {
  for (const [index, { role }] of messages.entries()) {
    if (!ROLES.includes(role))
      throw invalidRequestError(MINIMAX_NAME, `message ${index} has none of the roles ${ROLES.join(", ")}`);
  }
  if (!messages.some(({ role }) => role !== "system"))
    throw invalidRequestError(MINIMAX_NAME, "a request needs at least one message that is not a system message");
}

/** The text of a message for protocols that support only text; throws for images and other parts. */
export function readPlainText({ content }: ChatMessage, index: number): string {
  const text = joinTextContent(content);
  if (text !== undefined) return text;
  throw invalidRequestError(
    MINIMAX_NAME,
    `message ${index} has a part that is not text, which this protocol does not support`,
  );
}

/** All system messages as one text, because the older protocols have one field for it. Undefined when there is none. */
export function readSystemText(messages: readonly ChatMessage[]): string | undefined {
  const texts = messages
    .map((message, index) => (message.role === "system" ? readPlainText(message, index) : ""))
    .filter((text) => text !== "");
  return texts.length > 0 ? texts.join("\n\n") : undefined;
}

const PARAMETER_NAMES = {
  stop: "stop",
  seed: "seed",
  tools: "tools",
  toolChoice: "tool_choice",
  responseFormat: "response_format",
} as const;
type Parameter = keyof typeof PARAMETER_NAMES;

/**
 * Throws for parameters that the protocol does not support, because ignoring them would change the answer silently. The
 * provider's own fields can still be set with `extra`.
 */
export function rejectParameters(request: ChatRequest, dialect: string, parameters: readonly Parameter[]): void {
  for (const parameter of parameters) {
    const value = request[parameter];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    const message = `${dialect} does not support ${PARAMETER_NAMES[parameter]}: leave it out, or choose another dialect for the model`;
    throw invalidRequestError(MINIMAX_NAME, message);
  }
}
