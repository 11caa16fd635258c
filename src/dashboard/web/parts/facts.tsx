import type { ComponentChildren } from "preact";

export interface Fact {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly below?: ComponentChildren;
}

/** Figures under their names. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ label, value, below }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {below === undefined ? null : <small>{below}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
