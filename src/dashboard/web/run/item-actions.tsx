import type { ItemFilterParams } from "#src/dashboard/items/item-query-params.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { formatItemFilter, type ItemSearchFilter } from "./item-filter.ts";
import { openRetryDialog } from "./retry-dialog.tsx";

/** Retries or exports all items that match, not only those that are shown. For operators. */
export function ItemActions({
  page,
  filter,
  total,
}: {
  page: RunPage;
  filter: ItemSearchFilter;
  /** Number of matching items, if it is known. */
  total: number | undefined;
}) {
  if (!canOperate()) return null;
  const t = translations.value.items;
  const { run, actions, refusals, itemsWithoutRecord } = page;
  const { sort: _, ...criteria } = filter;
  const isEmpty = criteria.empty === "1";
  const isRetryable = (criteria.status ?? (isEmpty ? "succeeded" : "failed")) === (isEmpty ? "succeeded" : "failed");
  const mayRetry = actions.includes("retry") || (isEmpty && refusals.retry === undefined);
  // The number of matching items is the number of failed ones only if the filter selects these.
  const failed = criteria.status === "failed" || criteria.kind || criteria.cause ? total : undefined;
  const exportUrl = `api/runs/${encodeURIComponent(run)}/items/export?texts=1&${formatItemFilter(criteria)}`;
  return (
    <div class="actions">
      {isRetryable && mayRetry ? (
        <button
          type="button"
          class="button compact"
          onClick={() =>
            openRetryDialog(
              run,
              { filter: criteria as ItemFilterParams },
              { failed, isMatching: true, isEmpty, itemsWithoutRecord },
            )
          }
        >
          {t.retryMatching}
        </button>
      ) : null}
      <a class="button compact" href={exportUrl} download={`items-${run}.jsonl`}>
        {t.exportMatching}
      </a>
      <a class="button compact" href={`${exportUrl}&format=csv`} download={`items-${run}.csv`}>
        {t.exportMatchingCsv}
      </a>
    </div>
  );
}
