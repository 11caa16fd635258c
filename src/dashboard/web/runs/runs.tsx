import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { RunList, RunPhaseView, RunSortKey } from "#src/dashboard/runs/run-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { type RunSorting, RunTable } from "#src/dashboard/web/overview/run-table.tsx";

const PAGE_SIZE = 50;
/** Filtered lists and older pages are polled; the newest runs are pushed by the server. */
const REFRESH_INTERVAL_MS = 5_000;
const PHASES: readonly RunPhaseView[] = [
  "planning",
  "running",
  "paused",
  "snoozing",
  "parked",
  "stopped",
  "finishing",
  "finished",
  "cancelled",
];

/** All runs, newest first unless another order is chosen. */
export function RunsScreen() {
  const newest = useSignal<RunList | undefined>(undefined);
  const [text, state, offset] = [useSignal(""), useSignal(""), useSignal(0)];
  const [from, until] = [useSignal(""), useSignal("")];
  const [sort, order] = [useSignal<RunSortKey>("started"), useSignal<RunSorting["order"]>("descending")];
  const isFiltered = [text, state, from, until].some(({ value }) => value !== "");
  const hasQuery = isFiltered || offset.value > 0 || sort.value !== "started" || order.value !== "descending";
  useEventStream(hasQuery ? "" : "runs=1", {
    runs: (next) => {
      newest.value = next;
    },
  });
  const query = new URLSearchParams({ offset: String(offset.value), limit: String(PAGE_SIZE) });
  if (text.value !== "") query.set("text", text.value);
  if (state.value !== "") query.set("state", state.value);
  if (from.value !== "") query.set("from", String(startOfDay(from.value, 0)));
  if (until.value !== "") query.set("before", String(startOfDay(until.value, 1)));
  query.set("sort", sort.value);
  query.set("order", order.value);
  const onSort = (key: RunSortKey) => {
    order.value = sort.value === key && order.value === "descending" ? "ascending" : "descending";
    sort.value = key;
    offset.value = 0;
  };
  const queried = useQuery<RunList>(hasQuery ? `api/runs?${query}` : undefined, REFRESH_INTERVAL_MS);
  const list = hasQuery ? queried.answer : newest.value;
  const t = translations.value;
  return (
    <>
      <div class="page-title">
        <h1>{t.nav.runs}</h1>
        <RunFilter text={text} state={state} from={from} until={until} offset={offset} />
      </div>
      {hasQuery && queried.error !== undefined ? <ErrorNote error={queried.error} /> : null}
      <Card title={list === undefined ? t.nav.runs : t.runs.count(formatters.value.count(list.total))}>
        <List list={list} isFiltered={isFiltered} sorting={{ sort: sort.value, order: order.value, onSort }} />
      </Card>
      {list === undefined ? null : <Pager list={list} offset={offset} />}
    </>
  );
}

/** The start of a local day, or of a day after it; `date` is "2026-12-01". Epoch ms. */
function startOfDay(date: string, daysLater: number): number {
  const day = new Date(`${date}T00:00`);
  return day.setDate(day.getDate() + daysLater);
}

interface ListProps {
  list: RunList | undefined;
  isFiltered: boolean;
  sorting: RunSorting;
}

function List({ list, isFiltered, sorting }: ListProps) {
  const t = translations.value;
  if (list === undefined) return <EmptyState>{t.common.loading}</EmptyState>;
  if (list.runs.length > 0) return <RunTable runs={list.runs} at={list.at} sorting={sorting} />;
  if (isFiltered) return <EmptyState>{t.runs.noMatches}</EmptyState>;
  return <EmptyState command={SUGGESTED_COMMANDS.embed()}>{t.runs.none}</EmptyState>;
}

interface WritableSignal<Value> {
  value: Value;
}

function RunFilter({
  text,
  state,
  from,
  until,
  offset,
}: {
  text: WritableSignal<string>;
  state: WritableSignal<string>;
  from: WritableSignal<string>;
  until: WritableSignal<string>;
  offset: WritableSignal<number>;
}) {
  const t = translations.value;
  return (
    <search class="form actions">
      <label class="field">
        <span>{t.runs.filter}</span>
        <input
          class="input"
          type="search"
          value={text.value}
          maxLength={200}
          onInput={(event) => {
            text.value = event.currentTarget.value;
            offset.value = 0;
          }}
        />
      </label>
      <label class="field">
        <span>{t.runs.state}</span>
        <select
          class="select"
          value={state.value}
          onChange={(event) => {
            state.value = event.currentTarget.value;
            offset.value = 0;
          }}
        >
          <option value="">{t.runs.anyState}</option>
          {PHASES.map((phase) => (
            <option key={phase} value={phase}>
              {t.phases[phase]}
            </option>
          ))}
        </select>
      </label>
      {[
        { label: t.runs.from, day: from },
        { label: t.runs.until, day: until },
      ].map(({ label, day }) => (
        <label key={label} class="field">
          <span>{label}</span>
          <input
            class="input"
            type="date"
            value={day.value}
            onInput={(event) => {
              day.value = event.currentTarget.value;
              offset.value = 0;
            }}
          />
        </label>
      ))}
    </search>
  );
}

function Pager({ list, offset }: { list: RunList; offset: WritableSignal<number> }) {
  const t = translations.value.common;
  if (list.total <= PAGE_SIZE && list.offset === 0) return null;
  return (
    <nav class="actions" aria-label={t.pagination}>
      <button
        type="button"
        class="button"
        disabled={list.offset === 0}
        onClick={() => {
          offset.value = Math.max(0, offset.value - PAGE_SIZE);
        }}
      >
        {t.showNewer}
      </button>
      <button
        type="button"
        class="button"
        disabled={list.offset + list.runs.length >= list.total}
        onClick={() => {
          offset.value += PAGE_SIZE;
        }}
      >
        {t.showOlder}
      </button>
    </nav>
  );
}
