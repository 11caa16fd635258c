import { InputError } from "#src/core/errors.ts";
import type { ChatMessage } from "#src/providers/provider.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { escapeTurns } from "./turn-marker.ts";

/**
 * The conversation as one plain prompt that ends where the assistant speaks next: system text, then a separator, a
 * name and a text per message. Later system messages of a provider that has no such role join the system text. No
 * text is lost, whatever it contains. Throws InputError for what plain text cannot hold: tools and images.
 */
export function renderPrompt(template: ConversationTemplate, messages: readonly ChatMessage[]): string {
  const { roles, separator } = template;
  const system: string[] = [];
  const turns: string[] = [];
  for (const [index, message] of messages.entries()) {
    const text = escapeTurns(template, readText(message, index));
    const heads = message.role === "system" && turns.length === 0 && system.length === 0;
    const name = speakerName(template, message, index);
    if (heads || name === undefined) system.push(text);
    else turns.push(`${name}: ${text}${separator}`);
  }
  return `${system.join("\n\n")}${separator}${turns.join("")}${roles.assistant}:`;
}

function speakerName(
  { roles }: ConversationTemplate,
  { role, toolCalls }: ChatMessage,
  index: number,
): string | undefined {
  if (role === "tool" || (toolCalls && toolCalls.length > 0))
    throw new InputError("a plain prompt cannot hold tool calls or their results", `message ${index}`);
  return roles[role];
}

function readText({ content }: ChatMessage, index: number): string {
  if (content === null) return "";
  if (typeof content === "string") return content;
  return content
    .map((part) => {
      if (part.type !== "text" || typeof part.text !== "string")
        throw new InputError(`a plain prompt holds text only, not a part of another type`, `message ${index}`);
      return part.text;
    })
    .join("");
}
