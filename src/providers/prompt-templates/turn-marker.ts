import type { ConversationTemplate } from "./conversation-templates.ts";

/**
 * A speaker's turn begins with separator, name and colon. Text that looks like a turn is escaped with a backslash before
 * the visible part of the separator, in addition to any backslashes that are already there; parsing removes one. Headings
 * such as "### Results" do not look like turns and stay unchanged.
 */

/** Matches the beginnings of turns. Group 1 contains backslashes, which escape the turn; group 2 the speaker's name. */
export function matchTurns(template: ConversationTemplate): RegExp {
  const { start, visible } = splitSeparator(template);
  const names = Object.values(template.roles).map(escapePattern).join("|");
  return new RegExp(`${escapePattern(start)}(\\\\*)${escapePattern(visible)}(${names}):`, "g");
}

/** Escapes everything in the text that looks like a turn. */
export function escapeTurns(template: ConversationTemplate, text: string): string {
  const { start } = splitSeparator(template);
  return text.replaceAll(matchTurns(template), (turn) => `${turn.slice(0, start.length)}\\${turn.slice(start.length)}`);
}

/** The inverse of `escapeTurns`. */
export function unescapeTurns(template: ConversationTemplate, text: string): string {
  const { start } = splitSeparator(template);
  return text.replaceAll(matchTurns(template), (turn, backslashes: string) =>
    backslashes === "" ? turn : turn.slice(0, start.length) + turn.slice(start.length + 1),
  );
}

/** The separator's leading white space stays before the backslash, so that a turn still begins on its own line. */
function splitSeparator({ separator }: ConversationTemplate): { start: string; visible: string } {
  const start = /^\s*/.exec(separator)?.[0] ?? "";
  return { start, visible: separator.slice(start.length) };
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
