import type { Percentiles, ProviderView, QueueView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Providers: what waits for them, what they answer, how fast, and how often with an error. */
export function ProviderTable({ providers }: { providers: readonly ProviderView[] }) {
  const w = words.value.providers;
  if (providers.length === 0) return <Empty command="sluice providers">{w.none}</Empty>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.provider}</th>
          <th scope="col">{w.waiting}</th>
          <th scope="col" class="number">
            {w.calls}
          </th>
          <th scope="col" class="number">
            {w.tokens}
          </th>
          <th scope="col" class="number">
            {w.upstream}
          </th>
          <th scope="col" class="number">
            {w.firstToken}
          </th>
          <th scope="col">{w.errors}</th>
        </tr>
      </thead>
      <tbody>
        {providers.map((provider) => (
          <ProviderLine key={provider.name} provider={provider} />
        ))}
      </tbody>
    </table>
  );
}

function ProviderLine({ provider }: { provider: ProviderView }) {
  const w = words.value.providers;
  const { short, share } = show.value;
  return (
    <tr>
      <td class="name">
        <Text value={provider.name} />
      </td>
      <td class="full" data-label={w.waiting}>
        <Queues queues={provider.queues} />
      </td>
      <td class="number" data-label={w.calls}>
        {short(provider.callsPerMinute)}
      </td>
      <td class="number" data-label={w.tokens}>
        {short(provider.tokensPerMinute)}
      </td>
      <td class={provider.upstreamMs === undefined ? "number none" : "number"} data-label={w.upstream}>
        <Times times={provider.upstreamMs} />
      </td>
      <td class={provider.firstTokenMs === undefined ? "number none" : "number"} data-label={w.firstToken}>
        <Times times={provider.firstTokenMs} />
      </td>
      <td class={provider.errorRate === undefined ? "full none" : "full"} data-label={w.errors}>
        {share(provider.errorRate)}
        <Errors byKind={provider.errorsByKind} />
      </td>
    </tr>
  );
}

function Errors({ byKind }: { byKind: ProviderView["errorsByKind"] }) {
  const sorted = Object.entries(byKind).sort(([, a], [, b]) => b - a);
  return (
    <span class="below">
      {sorted.map(([kind, count], index) => (
        <span key={kind}>
          {index === 0 ? "" : ", "}
          <Kind kind={kind} /> {show.value.count(count)}
        </span>
      ))}
    </span>
  );
}

/** Queues that hold something or take nothing; where there are none, that is all there is to say. */
function Queues({ queues }: { queues: readonly QueueView[] }) {
  const w = words.value.providers;
  const { count } = show.value;
  const busy = queues.filter(
    ({ waiting, active, delayed, paused }) => waiting + active + delayed > 0 || paused,
  );
  return (
    <ul>
      {busy.length === 0 ? <li class="soft">{w.empty}</li> : null}
      {busy.map(({ name, kind, priority, waiting, active, delayed, paused }) => (
        <li key={name} title={name}>
          {w.kinds[kind]}, {w.priorities[priority]}: {w.depth(count(waiting), count(active))}
          {delayed > 0 ? `, ${w.delayed(count(delayed))}` : ""}
          {paused ? `, ${w.paused}` : ""}
        </li>
      ))}
    </ul>
  );
}

function Times({ times }: { times: Percentiles | undefined }) {
  const { duration } = show.value;
  if (times === undefined) return <>{duration(undefined)}</>;
  return (
    <>
      {duration(times.p50)}
      <span class="below">p95 {duration(times.p95)}</span>
    </>
  );
}
