import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** A section of a page with a heading. */
export function Card({
  title,
  id: anchor,
  actions,
  children,
}: {
  title: ComponentChildren;
  id?: string;
  /** Shown at the right of the heading. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  const titleId = useId();
  return (
    <section class="card" id={anchor} aria-labelledby={titleId}>
      <header>
        <h2 id={titleId}>{title}</h2>
        {actions ? <div class="card-actions actions">{actions}</div> : null}
      </header>
      {children}
    </section>
  );
}

/** Shown instead of a list without entries; `command` is what to run to get some. */
export function EmptyState({ children, command }: { children: ComponentChildren; command?: string }) {
  return (
    <div class="empty-state">
      <p>{children}</p>
      {command === undefined ? null : <code>{command}</code>}
    </div>
  );
}
