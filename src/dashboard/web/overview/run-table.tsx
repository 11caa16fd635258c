import type { RunPhaseView, RunSortKey, RunSummary } from "#src/dashboard/runs/run-api.ts";
import { PhaseBadge } from "#src/dashboard/web/components/phase-badge.tsx";
import { completedShare, ProgressBar } from "#src/dashboard/web/components/progress-bar.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { runLink } from "#src/dashboard/web/parse-route.ts";

export interface RunSorting {
  readonly sort: RunSortKey;
  readonly order: "ascending" | "descending";
  readonly onSort: (sort: RunSortKey) => void;
}

const COLUMNS: readonly { readonly key: RunSortKey; readonly class?: string }[] = [
  { key: "run" },
  { key: "state" },
  { key: "progress", class: "wide" },
  { key: "rate", class: "numeric" },
  { key: "timeLeft", class: "numeric" },
  { key: "cost", class: "numeric" },
  { key: "started", class: "numeric" },
];

export interface RunTableProps {
  readonly runs: readonly RunSummary[];
  readonly at: number;
  /** The headings are buttons if this is given. */
  readonly sorting?: RunSorting;
  /** Each row has buttons if this is given. */
  readonly onAction?: ((action: "rename" | "delete", run: string) => void) | undefined;
}

export function RunTable({ runs, at, sorting, onAction }: RunTableProps) {
  const t = translations.value.runs;
  return (
    <table class="table">
      <thead>
        <tr data-label={t.sortBy}>
          {COLUMNS.map(({ key, class: className }) => {
            const order = sorting?.sort === key ? sorting.order : undefined;
            return (
              <th key={key} scope="col" class={className} aria-sort={order}>
                {sorting === undefined ? (
                  t[key]
                ) : (
                  <button type="button" class="sort" onClick={() => sorting.onSort(key)}>
                    {t[key]}
                    <span aria-hidden="true">{order === undefined ? "" : order === "ascending" ? " ↑" : " ↓"}</span>
                  </button>
                )}
              </th>
            );
          })}
          {onAction === undefined ? null : (
            <th scope="col">
              <span class="visually-hidden">{t.actions}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunRow key={run.run} run={run} at={at} onAction={onAction} />
        ))}
      </tbody>
    </table>
  );
}

function RunRow({ run, at, onAction }: { run: RunSummary } & Pick<RunTableProps, "at" | "onAction">) {
  const t = translations.value.runs;
  const { count, share, compact, duration, money, age } = formatters.value;
  const { items, cost } = run;
  return (
    <tr>
      <td class="name">
        <a href={runLink(run.run)}>
          <UntrustedText value={run.name ?? run.run} truncate />
        </a>
        <span class="secondary">
          <UntrustedText
            value={[run.model, run.name === undefined ? undefined : run.run].filter(Boolean).join(" · ")}
            truncate
          />
        </span>
      </td>
      <td class="nowrap">
        <PhaseBadge run={run} />
      </td>
      <td class="full-width wide">
        {items === undefined ? (
          formatters.value.count(undefined)
        ) : (
          <>
            <ProgressBar items={items} />
            <span class="secondary">
              {t.doneOf(share(completedShare(items)), count(items.succeeded + items.failed), count(items.total))}
              {items.failed > 0 ? ` · ${t.failed(count(items.failed))}` : ""}
            </span>
          </>
        )}
      </td>
      <td class={run.itemsPerSecond === undefined ? "numeric no-data" : "numeric"} data-label={t.rate}>
        {run.itemsPerSecond === undefined ? compact(undefined) : t.itemsPerSecond(compact(run.itemsPerSecond))}
      </td>
      <td class={run.etaMs === undefined ? "numeric no-data" : "numeric"} data-label={t.timeLeft}>
        {duration(run.etaMs)}
      </td>
      <td class={cost === undefined ? "numeric no-data" : "numeric"} data-label={t.cost}>
        {money(cost?.spent, cost?.currency)}
        {cost?.expected === undefined || run.finishedAt !== undefined ? null : (
          <span class="secondary">{t.expected(money(cost.expected, cost.currency))}</span>
        )}
      </td>
      <td class="numeric hide-on-phone" data-label={t.started}>
        {t.ago(age(run.createdAt, at))}
      </td>
      {onAction === undefined ? null : <ActionCell run={run} onAction={onAction} />}
    </tr>
  );
}

/** A live run cannot be deleted; the server decides. */
const DELETABLE_PHASES: ReadonlySet<RunPhaseView> = new Set(["stopped", "finished", "cancelled", "unknown"]);

function ActionCell({
  run: { run, name = run, phase },
  onAction,
}: {
  run: RunSummary;
  onAction: NonNullable<RunTableProps["onAction"]>;
}) {
  const t = translations.value.runManagement;
  return (
    <td class="numeric full-width">
      <button
        type="button"
        class="button compact ghost"
        aria-label={t.renameRun(name)}
        onClick={() => onAction("rename", run)}
      >
        {t.rename}
      </button>
      {DELETABLE_PHASES.has(phase) ? (
        <button
          type="button"
          class="button compact ghost"
          aria-label={t.deleteRun(name)}
          onClick={() => onAction("delete", run)}
        >
          {t.delete}
        </button>
      ) : null}
    </td>
  );
}
