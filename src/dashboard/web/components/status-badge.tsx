import type { ComponentChildren } from "preact";
import type { Tone } from "./run-tone.ts";

/** Each tone has its own shape, so that no meaning depends on colour alone. */
const SHAPES: Readonly<Record<Tone, string>> = {
  neutral: "M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0M3.5 6a2.5 2.5 0 1 1 5 0a2.5 2.5 0 1 1-5 0",
  active: "M3 1.5v9l7.5-4.5z",
  success: "M1.5 6.5l3 3l6-7l-1.2-1l-4.9 5.8l-1.9-1.9z",
  warning: "M2.5 1.5h2.5v9h-2.5zM7 1.5h2.5v9h-2.5z",
  error: "M6 .5l6 11h-12zM5.4 4.5v3.5h1.2v-3.5zM5.4 9v1.2h1.2v-1.2z",
};

export function StatusBadge({
  tone,
  shape = tone,
  children,
}: {
  tone: Tone;
  /** The shape of another tone, where the shape of `tone` would be misleading. */
  shape?: Tone;
  children: ComponentChildren;
}) {
  return (
    <span class={`status-badge ${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[shape]} fill="currentColor" fill-rule="evenodd" />
      </svg>
      {children}
    </span>
  );
}
