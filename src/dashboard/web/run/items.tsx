import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ItemPage, ItemSummary } from "#src/dashboard/items/item-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { ItemActions } from "./item-actions.tsx";
import { formatItemFilter, type ItemSearchFilter } from "./item-filter.ts";
import { ItemFilterForm } from "./item-filter-form.tsx";
import { writeFilterToUrl } from "./item-filter-url.ts";
import { ItemTable } from "./item-table.tsx";

/** Number of items to show at once; one request to the server may find fewer. */
const PAGE_SIZE = 50;
/** After this time the search of an output stops, and the user can continue it. */
const SEARCH_TIMEOUT_MS = 10_000;
const INDEX_POLL_MS = 1_000;

interface ItemSearchState extends Omit<ItemPage, "items"> {
  readonly filter: ItemSearchFilter;
  readonly items: readonly ItemSummary[];
}

/** A search of the run's items by content, id, status, numbers, or the cause of their failure. */
export function Items({
  page,
  filter,
  formKey,
}: {
  page: RunPage;
  filter: Signal<ItemSearchFilter | undefined>;
  /** Changes whenever `filter` is set from outside the form, which is then recreated. */
  formKey: number;
}) {
  const { run } = page;
  const reason = page.refusals.items;
  const { found, error, isBusy, search } = useItemSearch(run);
  const t = translations.value.items;
  const now = filter.value;
  const canRead = page.actions.includes("items");
  useEffect(() => {
    if (now === undefined || !canRead) return;
    writeFilterToUrl(now);
    return search(now);
  }, [now, canRead]);
  if (!canRead)
    return (
      <Card title={t.title}>
        <EmptyState>
          {reason === undefined ? t.notReadable : <ServerMessage code={page.refusalCodes?.items} text={reason} />}
        </EmptyState>
      </Card>
    );
  const state = found.value;
  return (
    <Card
      title={t.title}
      id="items"
      actions={
        state === undefined || state.items.length === 0 ? undefined : (
          <ItemActions page={page} filter={state.filter} total={state.total} />
        )
      }
    >
      <ItemFilterForm key={formKey} page={page} filter={filter} isBusy={isBusy.value} />
      {error.value === undefined ? null : <ErrorNote error={error.value} />}
      {state === undefined ? null : (
        <SearchResults
          run={run}
          state={state}
          onSort={(sort) => {
            // Not that of the results, which a running search may be about to replace.
            filter.value = { ...filter.value, sort };
          }}
        />
      )}
      {state?.next === undefined ? null : (
        <div class="card-body actions">
          <button type="button" class="button" disabled={isBusy.value} onClick={() => search(state.filter, state)}>
            {state.searchedShare === undefined ? t.showNext : t.showMore(formatters.value.share(state.searchedShare))}
          </button>
        </div>
      )}
    </Card>
  );
}

function SearchResults({
  run,
  state,
  onSort,
}: {
  run: string;
  state: ItemSearchState;
  onSort: (sort: string) => void;
}) {
  const t = translations.value.items;
  const { count, share } = formatters.value;
  const { items, indexingShare, searchedShare, next, total, filter } = state;
  if (indexingShare !== undefined) return <EmptyState>{t.buildingIndex(share(indexingShare))}</EmptyState>;
  if (items.length === 0) {
    return <EmptyState>{next === undefined ? t.noMatches : t.noMatchesYet(share(searchedShare))}</EmptyState>;
  }
  return (
    <>
      {total === undefined ? null : <p class="card-body small muted">{t.matches(count(total))}</p>}
      <ItemTable run={run} items={items} filter={filter} onSort={onSort} />
    </>
  );
}

/** Runs searches one at a time; a new one, and the end of the page, cancel the one before. */
function useItemSearch(run: string) {
  const found = useSignal<ItemSearchState | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const running = useSignal<AbortController | undefined>(undefined);

  const load = async (filter: ItemSearchFilter, earlier: ItemSearchState | undefined, signal: AbortSignal) => {
    const start = earlier?.items.length ?? 0;
    const deadline = performance.now() + SEARCH_TIMEOUT_MS;
    // Each request searches only a part of a large output, so finding anything may take several requests.
    for (let next = earlier?.next, items = earlier?.items ?? []; ; ) {
      const after = next === undefined ? "" : `&after=${encodeURIComponent(next)}`;
      const path = `api/runs/${encodeURIComponent(run)}/items?${formatItemFilter(filter)}${after}`;
      const answer = await requestApi<ItemPage>(path, { signal });
      items = [...items, ...answer.items];
      found.value = { ...answer, filter, items };
      next = answer.next;
      if (answer.indexingShare !== undefined) await wait(INDEX_POLL_MS, signal);
      else if (next === undefined || items.length - start >= PAGE_SIZE || performance.now() > deadline) return;
    }
  };
  /** Returns a function that cancels the search. */
  const search = (filter: ItemSearchFilter, earlier?: ItemSearchState) => {
    running.value?.abort();
    const controller = new AbortController();
    running.value = controller;
    isBusy.value = true;
    error.value = undefined;
    load(filter, earlier, controller.signal)
      .catch((thrown: unknown) => {
        if (!controller.signal.aborted) error.value = thrown;
      })
      .finally(() => {
        if (running.value === controller) isBusy.value = false;
      });
    return () => controller.abort();
  };
  return { found, error, isBusy, search };
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(() => (signal.aborted ? reject(signal.reason) : resolve()), ms);
  });
}
