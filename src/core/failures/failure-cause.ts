import { createHash } from "node:crypto";

/** The parts of a failure that its cause is computed from. */
export interface FailureText {
  readonly kind: string;
  readonly message: string;
  readonly code?: string;
  /** Not part of the cause, because it differs between items. */
  readonly providerMessage?: string;
}

/** Only this many characters of a message count. */
const MAX_MESSAGE_LENGTH = 1_000;

/**
 * Replacements, applied in this order. Every expression takes linear time, and no expression has to match text that an
 * earlier one has replaced.
 */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>“”「」]+/gi, "<url>"],
  [/"[^"]*"/g, "<text>"],
  [/`[^`]*`/g, "<text>"],
  [/“[^”]*”|「[^」]*」|‘[^’]*’|《[^》]*》/g, "<text>"],
  // An apostrophe inside a word is not a quote.
  [/(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu, "<text>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b0x[0-9a-f]+\b/gi, "<id>"],
  [/(?<![\p{L}\p{N}_])\p{N}+(?:[.,]\p{N}+)*(ms|s|m|h|[kmg]?i?b|k)(?![\p{L}\p{N}_])/giu, "<n>$1"],
  // Mixed letters and digits, or digits joined to a word by an underscore: ids of requests, accounts and batches.
  [/(?<![\p{L}\p{N}_])(?=[\p{L}_-]{0,24}\p{N})(?=[\p{N}_-]{0,24}\p{L})[\p{L}\p{N}]+(?:[_-][\p{L}\p{N}]+)*/gu, "<id>"],
  // Numbers, except status and error codes: these describe the failure, and there are only a few of them.
  [/(?<!(?:HTTP|status|code)[ :=]{1,2})(?<!\p{N})[+-]?\p{N}+(?:[.,:]\p{N}+)*/giu, "<n>"],
];

/**
 * Replaces the parts of a message that differ between items (numbers, ids, quoted text and URLs) by placeholders, and
 * normalizes white space. Messages that differ only in these parts have the same pattern.
 */
export function toMessagePattern(message: string): string {
  let text = message.slice(0, MAX_MESSAGE_LENGTH);
  for (const [variable, placeholder] of PLACEHOLDERS) text = text.replace(variable, placeholder);
  return text.replace(/\s+/g, " ").trim();
}

/**
 * The fingerprint of a failure: 12 hex digits, the same for all failures with the same kind, code and message pattern,
 * in every process and version.
 */
export function computeFailureCause({ kind, code = "", message }: FailureText): string {
  const text = JSON.stringify([kind, code, toMessagePattern(message)]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** Whether the text has the form that `computeFailureCause` returns. */
export function isFailureCauseId(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}
