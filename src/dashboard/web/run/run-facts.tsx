import type { RunPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card } from "../parts/card.tsx";
import { type Fact, Facts } from "../parts/facts.tsx";
import { Progress, shareDone } from "../parts/progress.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Progress by status, and every figure of the run. */
export function RunFacts({ page }: { page: RunPage }) {
  const w = words.value.run;
  const { count, share } = show.value;
  const { items } = page;
  const waiting =
    items === undefined
      ? undefined
      : Math.max(0, items.total - items.succeeded - items.failed - (items.inFlight ?? 0));
  return (
    <Card title={w.progress} end={<strong>{share(shareDone(items))}</strong>}>
      <div class="body">
        {items === undefined ? null : <Progress items={items} tall />}
        <ul class="keys">
          <Key name="succeeded" label={w.succeeded} value={count(items?.succeeded)} />
          <Key name="failed" label={w.failed} value={count(items?.failed)} />
          <Key name="in-flight" label={w.inFlight} value={count(items?.inFlight)} />
          <Key name="" label={w.waiting} value={count(waiting)} />
          <li class="soft">{w.ofItems(count(items?.total))}</li>
        </ul>
      </div>
      <div class="body">
        <Facts facts={[...paceFacts(page), ...callFacts(page), ...moneyFacts(page)]} />
      </div>
    </Card>
  );
}

function Key({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <li>
      <i class={`key ${name}`} aria-hidden="true" />
      <span class="soft">{label}</span> {value}
    </li>
  );
}

function paceFacts(page: RunPage): Fact[] {
  const w = words.value.run;
  const { short, duration, age, moment, count } = show.value;
  const perSecond = (value: number | undefined) =>
    value === undefined ? short(undefined) : w.perSecond(short(value));
  return [
    ...(isAtEnd(page)
      ? [
          { label: w.rate, value: perSecond(averageRate(page)), below: w.average },
          { label: w.took, value: duration(page.activeMs) },
        ]
      : [
          {
            label: w.rate,
            value: perSecond(page.itemsPerSecond),
            below: w.tokensRate(perSecond(page.tokensPerSecond)),
          },
          { label: w.left, value: duration(page.etaMs), below: w.active(duration(page.activeMs)) },
        ]),
    {
      label: w.started,
      value: words.value.runs.ago(age(page.createdAt, page.at)),
      below: moment(page.createdAt, page.at),
    },
    ...(page.finishedAt === undefined
      ? []
      : [{ label: w.finished, value: moment(page.finishedAt, page.at) }]),
    {
      label: w.model,
      value: page.model === undefined ? short(undefined) : <Text value={page.model} />,
      width: "wide",
    },
    { label: w.window, value: count(page.window), below: w.windowBelow },
  ];
}

const isAtEnd = ({ phase }: RunPage): boolean => phase === "finished" || phase === "cancelled";

/** Items per second of processing, over all sessions of the run; undefined where that time is not known. */
function averageRate({ items, activeMs }: RunPage): number | undefined {
  if (items === undefined || activeMs === undefined || activeMs <= 0) return undefined;
  return ((items.succeeded + items.failed) * 1_000) / activeMs;
}

function callFacts({ calls, batchFill, snoozes, callsPerSecond }: RunPage): Fact[] {
  const w = words.value.run;
  const { count, share, short } = show.value;
  return [
    {
      label: w.calls,
      value: count(calls?.made),
      below:
        callsPerSecond === undefined
          ? w.callsAnswered(count(calls?.succeeded))
          : w.perSecond(short(callsPerSecond)),
    },
    { label: w.batchFill, value: share(batchFill), below: w.batchFillBelow },
    { label: w.paidTwice, value: count(calls?.paidTwice), below: w.paidTwiceBelow },
    { label: w.throttles, value: count(calls?.throttled), below: w.snoozes(count(snoozes)) },
  ];
}

function moneyFacts(page: RunPage): Fact[] {
  const { cost, tokens } = page;
  const w = words.value.run;
  const { short, money } = show.value;
  return [
    {
      label: w.cost,
      value: money(cost?.spent, cost?.currency),
      below:
        cost === undefined
          ? w.noPrice
          : isAtEnd(page) || cost.expected === undefined
            ? undefined
            : w.expected(money(cost.expected, cost.currency)),
    },
    { label: w.tokens, value: short(tokens), below: w.asReported },
  ];
}
