import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** A part of a page under a heading. */
export function Card({
  title,
  id: place,
  end,
  children,
}: {
  title: ComponentChildren;
  id?: string;
  end?: ComponentChildren;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="card" id={place} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {end ? <div class="card-actions actions">{end}</div> : null}
      </header>
      {children}
    </section>
  );
}

/** Says that there is nothing, and what to do so that there is. */
export function EmptyState({ children, command }: { children: ComponentChildren; command?: string }) {
  return (
    <div class="empty-state">
      <p>{children}</p>
      {command === undefined ? null : <code>{command}</code>}
    </div>
  );
}
