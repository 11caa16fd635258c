import { showControls } from "./show-controls.ts";

/** Longer than anything a reader takes in at a glance; the rest would only slow the page down. */
const MOST = 2_000;
const MOST_IN_TITLE = 500;

/**
 * Text that is not ours: ids, file names, messages, what a model said. It is only ever a text node; its direction
 * stays inside it, what it hides is written out, and it wraps or, with `cut`, ends in an ellipsis and has itself as title.
 */
export function Text({ value, cut, mono }: { value: string; cut?: boolean; mono?: boolean }) {
  const text = String(value);
  const shown = showControls(text.length > MOST ? `${text.slice(0, MOST)}…` : text);
  return (
    <bdi
      class={`text${cut ? " cut" : ""}${mono ? " mono" : ""}`}
      title={cut ? shown.slice(0, MOST_IN_TITLE) : undefined}
    >
      {shown}
    </bdi>
  );
}
