import type { ChatMessage } from "#src/providers/provider.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { matchTurns, unescapeTurns } from "./turn-marker.ts";

/**
 * The messages of a plain prompt. What stands before the first turn is the system message; an assistant's turn that
 * only opens the answer is none. A prompt without any turn is one user message, as it is. The opposite of
 * `renderPrompt` for every conversation of texts with at most one system message at its head that is not empty.
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
    const opensAnswer = index === turns.length - 1 && role === "assistant" && text === "";
    if (!opensAnswer) messages.push({ role, content: unescapeTurns(template, text.replace(/^ /, "")) });
  }
  return messages;
}

function findRole({ roles }: ConversationTemplate, name: string | undefined): "user" | "assistant" | "system" {
  if (name === roles.assistant) return "assistant";
  return name === roles.system ? "system" : "user";
}
