import { escapeControlCharacters } from "./escape-control-characters.ts";

/** Longer texts are cut: rendering them would only slow the page down. */
const MAX_LENGTH = 2_000;
const MAX_TITLE_LENGTH = 500;

/**
 * Text that does not come from Sluice: ids, file names, messages, model output. It is always rendered as a text node.
 * Its direction is isolated, and control characters are made visible. It wraps or, with `truncate`, ends in an
 * ellipsis and has the text as its tooltip.
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
