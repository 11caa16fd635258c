import { createHash } from "node:crypto";

/** What a failure's cause is told from. */
export interface FailureText {
  readonly kind: string;
  readonly message: string;
  readonly code?: string;
}

/** Longer messages are told apart by their beginning alone. */
const MAX_MESSAGE_LENGTH = 1_000;

/**
 * What is replaced, in this order. Every expression is linear in the length of the text, and none needs to look back
 * over what another has replaced.
 */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>“”「」]+/gi, "<url>"],
  [/"[^"]*"/g, "<text>"],
  [/`[^`]*`/g, "<text>"],
  [/“[^”]*”|「[^」]*」|‘[^’]*’|《[^》]*》/g, "<text>"],
  // An apostrophe inside a word is none of a quotation's.
  [/(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu, "<text>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b0x[0-9a-f]+\b/gi, "<id>"],
  [/(?<![\p{L}\p{N}_])\p{N}+(?:[.,]\p{N}+)*(ms|s|m|h|[kmg]?i?b|k)(?![\p{L}\p{N}_])/giu, "<n>$1"],
  // Letters and digits mixed, or joined to a word by an underscore: ids of requests, accounts and batches.
  [/(?<![\p{L}\p{N}_])(?=[\p{L}_-]{0,24}\p{N})(?=[\p{N}_-]{0,24}\p{L})[\p{L}\p{N}]+(?:[_-][\p{L}\p{N}]+)*/gu, "<id>"],
  // A status or a code says what went wrong, and there are only so many of them.
  [/(?<!(?:HTTP|status|code)[ :=]{1,2})(?<!\p{N})[+-]?\p{N}+(?:[.,:]\p{N}+)*/giu, "<n>"],
];

/**
 * A message without what differs from item to item: numbers, ids, quoted text and addresses become placeholders, and
 * space is evened out. Pure; the same for messages that differ only in these.
 */
export function toMessagePattern(message: string): string {
  let text = message.slice(0, MAX_MESSAGE_LENGTH);
  for (const [found, placeholder] of PLACEHOLDERS) text = text.replace(found, placeholder);
  return text.replace(/\s+/g, " ").trim();
}

/**
 * The cause of a failure as a short name: 12 hex digits, the same for all failures of one kind and code whose messages
 * have the same pattern, in every process and version.
 */
export function computeFailureCause({ kind, code = "", message }: FailureText): string {
  const text = JSON.stringify([kind, code, toMessagePattern(message)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** What `failureCause` makes; anything else names no cause. */
export function isFailureCauseId(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}
