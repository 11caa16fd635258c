import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ItemPage, ItemSummary, RunItemStatus } from "#src/dashboard/items/item-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import type { Tone } from "#src/dashboard/web/components/run-tone.ts";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";
import { formatItemFilter, type ItemSearchFilter } from "./item-filter.ts";
import { writeFilterToUrl } from "./item-filter-url.ts";

const TONES: Readonly<Record<RunItemStatus, Tone>> = { succeeded: "success", failed: "error", waiting: "neutral" };

/** Number of items to show at once; one request to the server may find fewer. */
const PAGE_SIZE = 50;
/** After this time the search stops, and the user can continue it. */
const SEARCH_TIMEOUT_MS = 10_000;

interface ItemSearchState {
  readonly query: string;
  readonly items: readonly ItemSummary[];
  readonly next?: number;
  readonly searchedShare: number;
}

/** A search of the run's items by id, text, status, or the cause of their failure. */
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
  const found = useSignal<ItemSearchState | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(false);
  const t = translations.value.items;

  const search = async (query: string, from?: number) => {
    isBusy.value = true;
    error.value = undefined;
    const earlier = from === undefined ? [] : (found.value?.items ?? []);
    const deadline = performance.now() + SEARCH_TIMEOUT_MS;
    try {
      // Each request searches only a part of a large run, so finding anything may take several requests.
      for (let next = from, items = earlier, isDone = false; !isDone; ) {
        const path = `api/runs/${encodeURIComponent(run)}/items?${query}${next === undefined ? "" : `&from=${next}`}`;
        const page = await requestApi<ItemPage>(path);
        items = [...items, ...page.items];
        found.value = { ...page, query, items };
        next = page.next;
        isDone = next === undefined || items.length - earlier.length >= PAGE_SIZE || performance.now() > deadline;
      }
    } catch (thrown) {
      error.value = thrown;
    } finally {
      isBusy.value = false;
    }
  };
  const now = filter.value;
  const canRead = page.actions.includes("items");
  useEffect(() => {
    if (now === undefined || !canRead) return;
    writeFilterToUrl(now);
    void search(formatItemFilter(now));
  }, [now, canRead]);
  if (!canRead)
    return (
      <Card title={t.title}>
        <EmptyState>
          {reason === undefined ? t.notReadable : <ServerMessage code={page.refusalCodes?.items} text={reason} />}
        </EmptyState>
      </Card>
    );
  return (
    <Card title={t.title} id="items">
      <SearchForm key={formKey} page={page} filter={filter} isBusy={isBusy.value} />
      {error.value === undefined ? null : <ErrorNote error={error.value} />}
      {found.value === undefined ? null : <ItemTable run={run} found={found.value} />}
      {found.value?.next === undefined ? null : (
        <div class="card-body actions">
          <button
            type="button"
            class="button"
            disabled={isBusy.value}
            onClick={() => found.value && void search(found.value.query, found.value.next)}
          >
            {t.showMore(formatters.value.share(found.value.searchedShare))}
          </button>
        </div>
      )}
    </Card>
  );
}

function SearchForm({
  page,
  filter,
  isBusy,
}: {
  page: RunPage;
  filter: Signal<ItemSearchFilter | undefined>;
  isBusy: boolean;
}) {
  const t = translations.value.items;
  const current = filter.value ?? {};
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    filter.value = Object.fromEntries([...fields].filter(([, value]) => value !== ""));
  };
  const kinds = new Set(Object.keys(page.failuresByKind));
  if (current.kind) kinds.add(current.kind);
  return (
    <form class="form card-body" onSubmit={submit}>
      <label class="field grow">
        <span>{t.search}</span>
        <input
          class="input"
          type="search"
          name="text"
          maxLength={500}
          placeholder={t.allItems}
          defaultValue={current.text ?? ""}
        />
      </label>
      <label class="field">
        <span>{t.searchIn}</span>
        <select class="select" name="in">
          <option value="id">{t.ids}</option>
          {canOperate() ? (
            <option value="text" selected={current.in === "text"}>
              {t.texts}
            </option>
          ) : null}
        </select>
      </label>
      <label class="field">
        <span>{t.status}</span>
        <select class="select" name="status">
          <option value="">{t.any}</option>
          {(["failed", "succeeded", "waiting"] as const).map((status) => (
            <option key={status} value={status} selected={current.status === status}>
              {t.statuses[status]}
            </option>
          ))}
        </select>
      </label>
      {kinds.size === 0 ? null : (
        <label class="field">
          <span>{t.error}</span>
          <select class="select" name="kind">
            <option value="">{t.any}</option>
            {[...kinds].map((kind) => (
              <option key={kind} value={kind} selected={current.kind === kind}>
                {(Object.hasOwn(translations.value.kinds, kind) && translations.value.kinds[kind]) ||
                  escapeControlCharacters(kind)}
              </option>
            ))}
          </select>
        </label>
      )}
      {current.cause === undefined ? null : (
        <label class="checkbox-field">
          <input type="checkbox" name="cause" value={current.cause} defaultChecked />
          {t.onlyThisCause}
        </label>
      )}
      <button type="submit" class="button" disabled={isBusy}>
        {isBusy ? translations.value.common.working : t.findItems}
      </button>
    </form>
  );
}

function ItemTable({ run, found }: { run: string; found: ItemSearchState }) {
  const t = translations.value.items;
  const { count } = formatters.value;
  if (found.items.length === 0)
    return (
      <EmptyState>
        {found.next === undefined ? t.noMatches : t.noMatchesYet(formatters.value.share(found.searchedShare))}
      </EmptyState>
    );
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.item}</th>
          <th scope="col">{t.status}</th>
          <th scope="col" class="numeric">
            {t.tokens}
          </th>
          <th scope="col" class="numeric">
            {t.attempts}
          </th>
          <th scope="col" class="wide">
            {t.error}
          </th>
        </tr>
      </thead>
      <tbody>
        {found.items.map((item) => (
          <tr key={item.index}>
            <td class="name">
              <a href={itemLink(run, item.index)}>
                <UntrustedText value={item.id} truncate />
              </a>
              <span class="secondary">#{count(item.index)}</span>
            </td>
            <td>
              <StatusBadge tone={TONES[item.status]}>{t.statuses[item.status]}</StatusBadge>
            </td>
            <td class="numeric" data-label={t.tokens}>
              {count(item.tokens)}
            </td>
            <td class="numeric" data-label={t.attempts}>
              {count(item.attempts)}
            </td>
            <td class="full-width">
              {item.failure === undefined ? null : (
                <>
                  <ErrorKindLabel kind={item.failure.kind} />: <FailureMessage {...item.failure} />
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
