import type { ChatMessage } from "#src/providers/provider.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { matchTurns, unescapeTurns } from "./turn-marker.ts";

/**
 * Parses a plain prompt into messages. The text before the first turn is the system message. A final empty assistant turn
 * only marks where the answer begins and yields no message. A prompt without turns is one user message. This is the inverse
 * of `renderPrompt` for text conversations with at most one non-empty system message, at the beginning.
 */
export function parsePrompt(template: ConversationTemplate, prompt: string): ChatMessage[] {
  const turns = [...prompt.matchAll(matchTurns(template))].filter(([, backslashes]) => backslashes === "");
  const first = turns[0];
  if (first === undefined) return [{ role: "user", content: prompt }];
  const messages: ChatMessage[] = [];
  const system = prompt.slice(0, first.index);
  if (system !== "") messages.push({ role: "system", content: unescapeTurns(template, system) });
  for (const [index, turn] of turns.entries()) {
    const start = turn.index + turn[0].length;
    const text = prompt.slice(start, turns[index + 1]?.index);
    const role = findRole(template, turn[2]);
    const isAnswerStart = index === turns.length - 1 && role === "assistant" && text === "";
    if (!isAnswerStart) messages.push({ role, content: unescapeTurns(template, text.replace(/^ /, "")) });
  }
  return messages;
}

function findRole({ roles }: ConversationTemplate, name: string | undefined): "user" | "assistant" | "system" {
  if (name === roles.assistant) return "assistant";
  return name === roles.system ? "system" : "user";
}
