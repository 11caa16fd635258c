import type { ComponentChildren } from "preact";

export interface DescriptionItem {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly below?: ComponentChildren;
  /** Two columns, or the full width, for example for paths, which are hard to read when they wrap. */
  readonly width?: "wide" | "full-width";
}

/** Labels with values; undefined items are skipped. */
export function DescriptionList({ items }: { items: readonly (DescriptionItem | undefined)[] }) {
  return (
    <dl class="description-list">
      {items
        .filter((item) => item !== undefined)
        .map(({ label, value, below, width }) => (
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
