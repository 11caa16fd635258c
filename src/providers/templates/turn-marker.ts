import type { ConversationTemplate } from "./conversation-templates.ts";

/**
 * A speaker's turn begins with separator, name and colon. Text that reads like that would be taken for a turn, so it
 * gets a backslash before the separator's visible part, and one more if it has some already; reading takes one away.
 * Headings such as "### Results" are no turns and stay as they are.
 */

/** Where turns begin. Group 1 holds backslashes, which make it text; group 2 the speaker's name. */
export function matchTurns(template: ConversationTemplate): RegExp {
  const { start, visible } = splitSeparator(template);
  const names = Object.values(template.roles).map(escapePattern).join("|");
  return new RegExp(`${escapePattern(start)}(\\\\*)${escapePattern(visible)}(${names}):`, "g");
}

/** The text so that no part of it reads as a turn. */
export function escapeTurns(template: ConversationTemplate, text: string): string {
  const { start } = splitSeparator(template);
  return text.replaceAll(matchTurns(template), (turn) => `${turn.slice(0, start.length)}\\${turn.slice(start.length)}`);
}

/** The opposite of `escapeTurns`. */
export function unescapeTurns(template: ConversationTemplate, text: string): string {
  const { start } = splitSeparator(template);
  return text.replaceAll(matchTurns(template), (turn, backslashes: string) =>
    backslashes === "" ? turn : turn.slice(0, start.length) + turn.slice(start.length + 1),
  );
}

/** White space that leads the separator stays in front of the backslash: a turn still begins its own line. */
function splitSeparator({ separator }: ConversationTemplate): { start: string; visible: string } {
  const start = /^\s*/.exec(separator)?.[0] ?? "";
  return { start, visible: separator.slice(start.length) };
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
