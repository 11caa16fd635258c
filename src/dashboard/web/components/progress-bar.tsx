import type { RunSummary } from "#src/dashboard/runs/run-api.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

type Items = NonNullable<RunSummary["items"]>;

/** Items by status: failed items are hatched, items in Redis are striped. */
export function ProgressBar({ items, tall }: { items: Items; tall?: boolean }) {
  const { total, succeeded, failed, inFlight = 0 } = items;
  const width = (count: number) => ({ width: total > 0 ? `${(100 * count) / total}%` : "0%" });
  const { count } = formatters.value;
  const text = translations.value.runs.progressText(count(succeeded), count(failed), count(total));
  return (
    <div
      class={tall ? "progress-bar tall" : "progress-bar"}
      role="progressbar"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={succeeded + failed}
      aria-valuetext={text}
      aria-label={translations.value.runs.progress}
      title={text}
    >
      <i class="succeeded" style={width(succeeded)} />
      <i class="failed" style={width(failed)} />
      <i class="in-flight" style={width(Math.max(0, Math.min(inFlight, total - succeeded - failed)))} />
    </div>
  );
}

/** Share of items that have a record, 0 to 1; undefined while the total is unknown. */
export function completedShare(items: Items | undefined): number | undefined {
  return items && items.total > 0 ? (items.succeeded + items.failed) / items.total : undefined;
}
