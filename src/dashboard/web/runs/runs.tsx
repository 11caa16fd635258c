import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { RUN_PHASES, type RunList } from "#src/dashboard/runs/run-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { RunTable, type RunTableProps } from "#src/dashboard/web/overview/run-table.tsx";
import { setUrlQuery, urlQuery } from "#src/dashboard/web/route.ts";
import { buildRunListRequest, formatRunListFilter, parseRunListFilter, type RunListFilter } from "./run-list-filter.ts";

const PAGE_SIZE = 50;
/** Filtered lists and older pages are polled; the newest runs are pushed by the server. */
const REFRESH_INTERVAL_MS = 5_000;
/** Their number is not worth an entry, because nothing else is known about such a run. */
const PHASES = RUN_PHASES.filter((phase) => phase !== "unknown");

/** All runs, newest first unless another order is chosen. The URL contains filter, order, and page. */
export function RunsScreen() {
  const newest = useSignal<RunList | undefined>(undefined);
  const actionError = useSignal<unknown>(undefined);
  const filter = parseRunListFilter(urlQuery.value);
  const hasQuery = formatRunListFilter(filter) !== "";
  const isFiltered = [filter.text, filter.state, filter.from, filter.until].some((value) => value !== "");
  const change = (changes: Partial<RunListFilter>, replace = false) =>
    setUrlQuery(formatRunListFilter({ ...filter, offset: 0, ...changes }), { replace });
  useEventStream(hasQuery ? "" : "runs=1", {
    runs: (next) => {
      newest.value = next;
    },
  });
  const request = hasQuery ? `api/runs?${buildRunListRequest(filter, PAGE_SIZE)}` : undefined;
  const queried = useQuery<RunList>(request, REFRESH_INTERVAL_MS);
  const list = hasQuery ? queried.answer : newest.value;
  const t = translations.value;
  const { sort, order } = filter;
  const openRunDialog: RunTableProps["onAction"] = async (action, run) => {
    actionError.value = undefined;
    try {
      const dialogs = await import("#src/dashboard/web/run/run-management-dialogs.tsx");
      await dialogs.openListedRunDialog(action, run, queried.refetch);
    } catch (error) {
      actionError.value = error;
    }
  };
  const table: Omit<RunTableProps, "runs" | "at"> = {
    sorting: {
      sort,
      order,
      onSort: (key) =>
        change({ sort: key, order: sort === key && order === "descending" ? "ascending" : "descending" }),
    },
    onAction: canOperate() ? openRunDialog : undefined,
  };
  const error = actionError.value ?? (hasQuery ? queried.error : undefined);
  return (
    <>
      <div class="page-title">
        <h1>{t.nav.runs}</h1>
        <RunFilter filter={filter} onChange={change} />
      </div>
      {error === undefined ? null : <ErrorNote error={error} />}
      <Card title={list === undefined ? t.nav.runs : t.runs.count(formatters.value.count(list.total))}>
        <List list={list} isFiltered={isFiltered} table={table} />
      </Card>
      {list === undefined ? null : <Pager list={list} onChange={change} />}
    </>
  );
}

interface ListProps {
  list: RunList | undefined;
  isFiltered: boolean;
  table: Omit<RunTableProps, "runs" | "at">;
}

function List({ list, isFiltered, table }: ListProps) {
  const t = translations.value;
  if (list === undefined) return <EmptyState>{t.common.loading}</EmptyState>;
  if (list.runs.length > 0) return <RunTable runs={list.runs} at={list.at} {...table} />;
  if (isFiltered) return <EmptyState>{t.runs.noMatches}</EmptyState>;
  return <EmptyState command={SUGGESTED_COMMANDS.embed()}>{t.runs.none}</EmptyState>;
}

type ChangeFilter = (changes: Partial<RunListFilter>, replace?: boolean) => void;

function RunFilter({ filter, onChange }: { filter: RunListFilter; onChange: ChangeFilter }) {
  const t = translations.value;
  return (
    <search class="form actions">
      <label class="field">
        <span>{t.runs.filter}</span>
        <input
          class="input"
          type="search"
          value={filter.text}
          maxLength={200}
          // No history entry for every character.
          onInput={(event) => onChange({ text: event.currentTarget.value }, filter.text !== "")}
        />
      </label>
      <label class="field">
        <span>{t.runs.state}</span>
        <select
          class="select"
          value={filter.state}
          onChange={(event) => onChange({ state: PHASES.find((phase) => phase === event.currentTarget.value) ?? "" })}
        >
          <option value="">{t.runs.anyState}</option>
          {PHASES.map((phase) => (
            <option key={phase} value={phase}>
              {t.phases[phase]}
            </option>
          ))}
        </select>
      </label>
      {(["from", "until"] as const).map((name) => (
        <label key={name} class="field">
          <span>{t.runs[name]}</span>
          <input
            class="input"
            type="date"
            value={filter[name]}
            onInput={(event) => onChange({ [name]: event.currentTarget.value })}
          />
        </label>
      ))}
    </search>
  );
}

function Pager({ list, onChange }: { list: RunList; onChange: ChangeFilter }) {
  const t = translations.value.common;
  if (list.total <= PAGE_SIZE && list.offset === 0) return null;
  return (
    <nav class="actions" aria-label={t.pagination}>
      <button
        type="button"
        class="button"
        disabled={list.offset === 0}
        onClick={() => onChange({ offset: Math.max(0, list.offset - PAGE_SIZE) })}
      >
        {t.showNewer}
      </button>
      <button
        type="button"
        class="button"
        disabled={list.offset + list.runs.length >= list.total}
        onClick={() => onChange({ offset: list.offset + PAGE_SIZE })}
      >
        {t.showOlder}
      </button>
    </nav>
  );
}
