import type { ItemSummary, RunItemStatus } from "#src/dashboard/items/item-api.ts";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import type { Tone } from "#src/dashboard/web/components/run-tone.ts";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";
import { type ItemSearchFilter, readSort } from "./item-filter.ts";

const TONES: Readonly<Record<RunItemStatus, Tone>> = { succeeded: "success", failed: "error", waiting: "neutral" };

/** The items that were found; a click on the title of a column sorts by it. */
export function ItemTable({
  run,
  items,
  filter,
  onSort,
}: {
  run: string;
  items: readonly ItemSummary[];
  filter: ItemSearchFilter;
  /** Receives "tokens" or "tokens:desc". */
  onSort: (sort: string) => void;
}) {
  const t = translations.value.items;
  const { count, duration } = formatters.value;
  const { column, descending } = readSort(filter);
  const sortable = (name: string, title: string, isNumeric = false) => (
    <th
      scope="col"
      class={isNumeric ? "numeric" : undefined}
      aria-sort={column === name ? (descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="sort" onClick={() => onSort(column === name && !descending ? `${name}:desc` : name)}>
        {title}
        {column === name ? <span aria-hidden="true">{descending ? " ↓" : " ↑"}</span> : null}
      </button>
    </th>
  );
  return (
    <table class="table">
      <thead>
        <tr data-label={translations.value.runs.sortBy}>
          {sortable("id", t.item)}
          {sortable("index", t.position, true)}
          <th scope="col">{t.status}</th>
          {sortable("tokens", t.tokens, true)}
          {sortable("attempts", t.attempts, true)}
          {sortable("duration", t.duration, true)}
          <th scope="col" class="wide">
            {t.error}
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={item.index}>
            <td class="name">
              <a href={itemLink(run, item.index)}>
                <UntrustedText value={item.id} truncate />
              </a>
            </td>
            <td class="numeric" data-label={t.position}>
              #{count(item.index)}
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
            <td class="numeric" data-label={t.duration}>
              {duration(item.durationMs)}
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
