import type { ComponentChildren } from "preact";

export interface DescriptionItem {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly below?: ComponentChildren;
  /** The room that it needs: a path broken in the middle cannot be read. */
  readonly width?: "wide" | "full-width";
}

/** Figures under their names. */
export function DescriptionList({ facts }: { facts: readonly DescriptionItem[] }) {
  return (
    <dl class="description-list">
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
