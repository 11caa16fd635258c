import { countTokens } from "#src/simulator/answers/count-tokens.ts";

export interface ReadMessages {
  /** Text of the last user message, which the simulated model answers. */
  readonly prompt: string;
  readonly tokens: number;
}

const ROLES = new Set(["system", "developer", "user", "assistant", "tool"]);

/**
 * The conversation in a request, or a description of what is wrong with it. `dropsLists`: roles for which lists of parts
 * are ignored, as in some chat templates.
 */
export function readMessages(messages: unknown, dropsLists: readonly string[] = []): ReadMessages | string {
  if (!Array.isArray(messages) || messages.length === 0) return "messages must be a non-empty list";
  let prompt = "";
  let tokens = 0;
  for (const message of messages) {
    if (typeof message !== "object" || message === null) return "a message must be an object";
    const { role, content, tool_calls: calls } = message as Record<string, unknown>;
    if (typeof role !== "string" || !ROLES.has(role)) return "a message has an unknown role";
    const text = readContent(content);
    if (text === undefined && !(role === "assistant" && Array.isArray(calls)))
      return "a message's content must be text or a list of parts";
    const kept = Array.isArray(content) && dropsLists.includes(role) ? "" : (text ?? "");
    tokens += countTokens(kept);
    if (role === "user") prompt = kept;
  }
  return { prompt, tokens };
}

function readContent(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  return content
    .map((part) => (typeof part === "object" && part !== null && typeof part.text === "string" ? part.text : ""))
    .join("");
}
