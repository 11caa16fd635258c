import { ProviderError } from "./errors.ts";

/** The provider's own words about a failure, redacted. */
export interface ProviderText {
  readonly providerMessage?: string;
  readonly param?: string;
}

/** Characters of a provider's text that are kept. */
const MAX_LENGTH = 500;
/** Characters of a provider's text that are read. */
const MAX_READ_LENGTH = 2_000;
/** Runs of the request that are this long are removed. */
const QUOTE_LENGTH = 40;
/** Every run of `QUOTE_LENGTH` characters contains an aligned block of this length. */
const BLOCK_LENGTH = QUOTE_LENGTH / 2;
/** A block that occurs more often in the request is removed without a closer look. */
const MAX_OCCURRENCES = 20;
const REMOVED = "[removed]";

/** Control characters, marks of direction and invisible characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;

/** Texts that look like credentials. Each expression takes linear time. */
const KEYS: readonly RegExp[] = [
  /\bBearer [^\s"',)]+/gi,
  /\b(?:api[ _-]?key|token|secret|password|authorization)["']? ?[:=] ?["']?[^\s"',)]+/gi,
  /\b(?:sk|pk|rk|ak|gsk|hf|xai|nvapi|tp)[-_][\w*.-]*[\w*]/gi,
  /\bAIza[\w-]+/g,
  /\beyJ[\w-]+(?:\.[\w-]+)*/g,
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /[\w-]*\*{2,}[\w*-]*/g,
  /(?<![\w+=])(?=[A-Za-z_+=]{0,40}\d)(?=[\d_+=]{0,40}[A-Za-z])[\w+=]{20,}(?:\.[\w-]+)?/g,
  // Base64 with slashes. A path has no mixture of upper case, lower case and digits.
  /(?<![\w+/=])(?=[a-z\d_+/=]{0,40}[A-Z])(?=[A-Z\d_+/=]{0,40}[a-z])(?=[A-Za-z_+/=]{0,40}\d)[\w+/=]{32,}/g,
];

/**
 * The error with the provider's own message and param in a form that may be stored and shown to the user: at most 500
 * characters each, without control characters, texts that look like keys, and runs of 40 characters that also occur in the
 * request. They never go into logs or metrics.
 */
export function redactProviderText(error: ProviderError, request: unknown): ProviderError {
  const { providerMessage, param } = error;
  if (providerMessage === undefined && param === undefined) return error;
  const sources = [normalize(collectStrings(request).join("\n")), normalize(JSON.stringify(request) ?? "")];
  return new ProviderError(error.message, {
    ...error,
    cause: error.cause,
    providerMessage: redact(providerMessage, sources),
    param: redact(param, sources),
  });
}

/** Our own explanation, followed by the provider's text if there is one. Only for redacted texts. */
export function appendProviderText(explanation: string, { providerMessage, param }: ProviderText): string {
  const about = param === undefined ? "" : ` (param: ${param})`;
  return providerMessage === undefined
    ? `${explanation}${about}`
    : `${explanation}. The provider says: ${providerMessage}${about}`;
}

function redact(text: string | undefined, sources: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  let shown = removeQuotes(normalize(text.slice(0, MAX_READ_LENGTH)), sources);
  for (const key of KEYS) shown = shown.replace(key, REMOVED);
  return shown.slice(0, MAX_LENGTH).toWellFormed().trim() || undefined;
}

function normalize(text: string): string {
  return text.replace(INVISIBLE, " ");
}

function removeQuotes(text: string, sources: readonly string[]): string {
  const isQuoted = new Uint8Array(text.length);
  for (let at = 0; at + BLOCK_LENGTH <= text.length; at += BLOCK_LENGTH) {
    for (const source of sources) markQuotes(text, at, source, isQuoted);
  }
  let shown = "";
  for (let i = 0; i < text.length; i++) {
    if (!isQuoted[i]) shown += text[i];
    else if (!isQuoted[i - 1]) shown += REMOVED;
  }
  return shown;
}

/** Marks the runs of `source` in `text` that contain the block at `at` and are long enough. */
function markQuotes(text: string, at: number, source: string, isQuoted: Uint8Array): void {
  const block = text.slice(at, at + BLOCK_LENGTH);
  let found = source.indexOf(block);
  for (let count = 1; found !== -1; count++) {
    let before = 0;
    while (before < at && before < found && text[at - before - 1] === source[found - before - 1]) before++;
    let end = BLOCK_LENGTH;
    while (at + end < text.length && found + end < source.length && text[at + end] === source[found + end]) end++;
    if (before + end >= QUOTE_LENGTH || count > MAX_OCCURRENCES) isQuoted.fill(1, at - before, at + end);
    if (count > MAX_OCCURRENCES) return;
    found = source.indexOf(block, found + 1);
  }
}

function collectStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(collectStrings);
}
