import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { type DescriptionItem, DescriptionList } from "#src/dashboard/web/components/description-list.tsx";
import { completedShare, ProgressBar } from "#src/dashboard/web/components/progress-bar.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Progress by item status, and all other stats of the run. */
export function RunStats({ page }: { page: RunPage }) {
  const t = translations.value.run;
  const { count, share } = formatters.value;
  const { items } = page;
  const waiting =
    items === undefined ? undefined : Math.max(0, items.total - items.succeeded - items.failed - (items.inFlight ?? 0));
  return (
    <Card title={t.progress} actions={<strong>{share(completedShare(items))}</strong>}>
      <div class="card-body">
        {items === undefined ? null : <ProgressBar items={items} tall />}
        <ul class="progress-legend">
          <LegendItem name="succeeded" label={t.succeeded} value={count(items?.succeeded)} />
          <LegendItem name="failed" label={t.failed} value={count(items?.failed)} />
          <LegendItem name="in-flight" label={t.queued} value={count(items?.inFlight)} />
          <LegendItem name="" label={t.notQueued} value={count(waiting)} />
          <li class="muted">{t.ofItems(count(items?.total))}</li>
        </ul>
      </div>
      <div class="card-body">
        <DescriptionList items={[...buildProgressStats(page), ...buildCallStats(page), ...buildCostStats(page)]} />
      </div>
    </Card>
  );
}

function LegendItem({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <li>
      <i class={`legend-swatch ${name}`} aria-hidden="true" />
      <span class="muted">{label}</span> {value}
    </li>
  );
}

function buildProgressStats(page: RunPage): (DescriptionItem | undefined)[] {
  const t = translations.value.run;
  const { compact, duration, age, timestamp, count } = formatters.value;
  const perSecond = (value: number | undefined) =>
    value === undefined ? compact(undefined) : t.perSecond(compact(value));
  const isEnded = hasEnded(page);
  return [
    isEnded
      ? { label: t.rate, value: perSecond(calculateAverageRate(page)), below: t.average }
      : { label: t.rate, value: perSecond(page.itemsPerSecond), below: describeRateNote(page) },
    isEnded
      ? { label: t.duration, value: duration(page.activeMs) }
      : { label: t.timeLeft, value: duration(page.etaMs), below: t.elapsed(duration(page.activeMs)) },
    {
      label: t.started,
      value: translations.value.runs.ago(age(page.createdAt, page.at)),
      below: timestamp(page.createdAt, page.at),
    },
    page.finishedAt === undefined ? undefined : { label: t.finished, value: timestamp(page.finishedAt, page.at) },
    {
      label: t.model,
      value: page.model === undefined ? compact(undefined) : <UntrustedText value={page.model} />,
      width: "wide",
    },
    { label: t.bufferSize, value: count(page.window), below: t.bufferSizeUnit },
  ];
}

/** When the next call is possible, if the run waits for its limits; the token rate otherwise. */
function describeRateNote({ nextCallAt, at, tokensPerSecond }: RunPage): string {
  const t = translations.value.run;
  const { compact, duration } = formatters.value;
  if (nextCallAt !== undefined) return t.nextCall(duration(Math.max(0, nextCallAt - at)));
  return t.tokenRate(tokensPerSecond === undefined ? compact(undefined) : t.perSecond(compact(tokensPerSecond)));
}

const hasEnded = ({ phase }: RunPage): boolean => phase === "finished" || phase === "cancelled";

/** Items per second of processing time over all sessions of the run; undefined if that time is unknown. */
function calculateAverageRate({ items, activeMs }: RunPage): number | undefined {
  if (items === undefined || activeMs === undefined || activeMs <= 0) return undefined;
  return ((items.succeeded + items.failed) * 1_000) / activeMs;
}

function buildCallStats({ calls, batchFill, snoozes, callsPerSecond }: RunPage): DescriptionItem[] {
  const t = translations.value.run;
  const { count, share, compact } = formatters.value;
  const bound = (value: number | undefined) =>
    value !== undefined && calls?.isLowerBound ? t.atLeast(count(value)) : count(value);
  return [
    {
      label: t.calls,
      value: bound(calls?.made),
      below: calls?.isLowerBound
        ? t.countsLost
        : callsPerSecond === undefined
          ? t.answeredCalls(count(calls?.succeeded))
          : t.perSecond(compact(callsPerSecond)),
    },
    { label: t.batchFill, value: share(batchFill), below: t.batchFillUnit },
    { label: t.duplicateCalls, value: bound(calls?.paidTwice), below: t.duplicateCallsUnit },
    { label: t.throttledCalls, value: count(calls?.throttled), below: t.deferredInputs(count(snoozes)) },
  ];
}

function buildCostStats(page: RunPage): DescriptionItem[] {
  const { cost, costs = [], tokens } = page;
  const t = translations.value.run;
  const { compact, money } = formatters.value;
  return [
    {
      label: t.cost,
      value: money(cost?.spent, cost?.currency),
      below:
        cost === undefined
          ? t.noPrice
          : hasEnded(page) || cost.expected === undefined
            ? undefined
            : t.expected(money(cost.expected, cost.currency)),
    },
    { label: t.tokens, value: compact(tokens), below: t.tokensReported },
    ...costs.map(
      ({ model, cost: spent }): DescriptionItem => ({
        label: t.costOf(model),
        value: money(spent?.amount, spent?.currency),
        below: spent === undefined ? t.noPrice : undefined,
      }),
    ),
  ];
}
