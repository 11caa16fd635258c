import type { ComponentChildren } from "preact";

export interface Fact {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly below?: ComponentChildren;
  /** The room that it needs: a path broken in the middle cannot be read. */
  readonly width?: "wide" | "whole";
}

/** Figures under their names. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ label, value, below, width }) => (
        <div key={label} class={width}>
          <dt>{label}</dt>
          <dd>
            {value}
            {below === undefined || below === "" ? null : <small>{below}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
