import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { RunList, RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { RunTable } from "#src/dashboard/web/overview/run-table.tsx";

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

/** All runs, newest first. */
export function RunsScreen() {
  const newest = useSignal<RunList | undefined>(undefined);
  const [text, state, offset] = [useSignal(""), useSignal(""), useSignal(0)];
  const hasQuery = text.value !== "" || state.value !== "" || offset.value > 0;
  useEventStream(hasQuery ? "" : "runs=1", {
    runs: (next) => {
      newest.value = next;
    },
  });
  const query = new URLSearchParams({ offset: String(offset.value), limit: String(PAGE_SIZE) });
  if (text.value !== "") query.set("text", text.value);
  if (state.value !== "") query.set("state", state.value);
  const queried = useQuery<RunList>(hasQuery ? `api/runs?${query}` : undefined, REFRESH_INTERVAL_MS);
  const list = hasQuery ? queried.answer : newest.value;
  const t = translations.value;
  return (
    <>
      <div class="page-title">
        <h1>{t.nav.runs}</h1>
        <RunFilter text={text} state={state} offset={offset} />
      </div>
      {hasQuery && queried.error !== undefined ? <ErrorNote error={queried.error} /> : null}
      <Card title={list === undefined ? t.nav.runs : t.runs.count(formatters.value.count(list.total))}>
        <List list={list} isFiltered={text.value !== "" || state.value !== ""} />
      </Card>
      {list === undefined ? null : <Pager list={list} offset={offset} />}
    </>
  );
}

function List({ list, isFiltered }: { list: RunList | undefined; isFiltered: boolean }) {
  const t = translations.value;
  if (list === undefined) return <EmptyState>{t.common.loading}</EmptyState>;
  if (list.runs.length > 0) return <RunTable runs={list.runs} at={list.at} />;
  if (isFiltered) return <EmptyState>{t.runs.noMatches}</EmptyState>;
  return <EmptyState command={SUGGESTED_COMMANDS.embed()}>{t.runs.none}</EmptyState>;
}

interface WritableSignal<Value> {
  value: Value;
}

function RunFilter({
  text,
  state,
  offset,
}: {
  text: WritableSignal<string>;
  state: WritableSignal<string>;
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
