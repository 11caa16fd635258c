import { escapeControlCharacters } from "./escape-control-characters.ts";

/** Longer than anything a reader takes in at a glance; the rest would only slow the page down. */
const MAX_LENGTH = 2_000;
const MAX_TITLE_LENGTH = 500;

/**
 * Text that is not ours: ids, file names, messages, what a model said. It is only ever a text node; its direction
 * stays inside it, what it hides is written out, and it wraps or, with `cut`, ends in an ellipsis and has itself as title.
 */
export function UntrustedText({
  value,
  truncate,
  isMonospace,
}: {
  value: string;
  truncate?: boolean;
  isMonospace?: boolean;
}) {
  const text = String(value);
  const shown = escapeControlCharacters(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text);
  return (
    <bdi
      class={`untrusted-text${truncate ? " truncated" : ""}${isMonospace ? " mono" : ""}`}
      title={truncate ? shown.slice(0, MAX_TITLE_LENGTH) : undefined}
    >
      {shown}
    </bdi>
  );
}
