import { InputError } from "#src/core/failures/errors.ts";
import type { ChatMessage } from "#src/providers/provider.ts";
import { joinTextContent } from "#src/providers/text-content.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { escapeTurns } from "./turn-marker.ts";

/**
 * Renders the conversation as one plain prompt that ends where the assistant speaks next: the system text, then a
 * separator, a name and a text per message. For a provider without a system role, later system messages are added to the
 * system text. No text is lost. Throws InputError for tools, images and other parts that plain text cannot represent.
 */
export function renderPrompt(template: ConversationTemplate, messages: readonly ChatMessage[]): string {
  const { roles, separator } = template;
  const system: string[] = [];
  const turns: string[] = [];
  for (const [index, message] of messages.entries()) {
    const text = escapeTurns(template, readText(message, index));
    const isFirst = message.role === "system" && turns.length === 0 && system.length === 0;
    const name = findSpeakerName(template, message, index);
    if (isFirst || name === undefined) system.push(text);
    else turns.push(`${name}: ${text}${separator}`);
  }
  return `${system.join("\n\n")}${separator}${turns.join("")}${roles.assistant}:`;
}

function findSpeakerName(
  { roles }: ConversationTemplate,
  { role, toolCalls }: ChatMessage,
  index: number,
): string | undefined {
  if (role === "tool" || (toolCalls && toolCalls.length > 0))
    throw new InputError("a plain prompt cannot contain tool calls or their results", `message ${index}`);
  return roles[role];
}

function readText({ content }: ChatMessage, index: number): string {
  const text = joinTextContent(content);
  if (text !== undefined) return text;
  throw new InputError("a plain prompt can contain only text, not parts of other types", `message ${index}`);
}
