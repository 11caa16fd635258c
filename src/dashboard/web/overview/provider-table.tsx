import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Percentiles, ProviderView, QueueView } from "#src/dashboard/overview/overview-api.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Providers with their queues, throughput, latency, and error rates. */
export function ProviderTable({ providers }: { providers: readonly ProviderView[] }) {
  const t = translations.value.providers;
  if (providers.length === 0)
    return <EmptyState command={SUGGESTED_COMMANDS.providers()}>{translations.value.common.noProviders}</EmptyState>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.provider}</th>
          <th scope="col">{t.jobs}</th>
          <th scope="col" class="numeric">
            {t.answeredCalls}
          </th>
          <th scope="col" class="numeric">
            {t.tokens}
          </th>
          <th scope="col" class="numeric">
            {t.latency}
          </th>
          <th scope="col" class="numeric">
            {t.firstToken}
          </th>
          <th scope="col">{t.errors}</th>
        </tr>
      </thead>
      <tbody>
        {providers.map((provider) => (
          <ProviderRow key={provider.name} provider={provider} />
        ))}
      </tbody>
    </table>
  );
}

function ProviderRow({ provider }: { provider: ProviderView }) {
  const t = translations.value.providers;
  const { compact, share } = formatters.value;
  return (
    <tr>
      <td class="name">
        <UntrustedText value={provider.name} />
      </td>
      <td class="full-width" data-label={t.jobs}>
        <Queues queues={provider.queues} />
      </td>
      <td class="numeric" data-label={t.answeredCalls}>
        {compact(provider.callsPerMinute)}
      </td>
      <td class="numeric" data-label={t.tokens}>
        {compact(provider.tokensPerMinute)}
      </td>
      <td class={provider.upstreamMs === undefined ? "numeric no-data" : "numeric"} data-label={t.latency}>
        <Latency times={provider.upstreamMs} />
      </td>
      <td class={provider.firstTokenMs === undefined ? "numeric no-data" : "numeric"} data-label={t.firstToken}>
        <Latency times={provider.firstTokenMs} />
      </td>
      <td class={provider.errorRate === undefined ? "full-width no-data" : "full-width"} data-label={t.errors}>
        {share(provider.errorRate)}
        <Errors byKind={provider.errorsByKind} />
      </td>
    </tr>
  );
}

function Errors({ byKind }: { byKind: ProviderView["errorsByKind"] }) {
  const sorted = Object.entries(byKind).sort(([, a], [, b]) => b - a);
  return (
    <span class="secondary">
      {sorted.map(([kind, count], index) => (
        <span key={kind}>
          {index === 0 ? "" : ", "}
          <ErrorKindLabel kind={kind} /> {formatters.value.count(count)}
        </span>
      ))}
    </span>
  );
}

/** Queues that have jobs or are paused. */
function Queues({ queues }: { queues: readonly QueueView[] }) {
  const t = translations.value.providers;
  const { count } = formatters.value;
  const busy = queues.filter(({ waiting, active, delayed, paused }) => waiting + active + delayed > 0 || paused);
  return (
    <ul>
      {busy.length === 0 ? <li class="muted">{t.idle}</li> : null}
      {busy.map(({ name, kind, priority, waiting, active, delayed, paused }) => (
        <li key={name} title={name}>
          {t.kinds[kind]}, {t.priorities[priority]}: {t.depth(count(waiting), count(active))}
          {delayed > 0 ? `, ${t.delayed(count(delayed))}` : ""}
          {paused ? `, ${t.paused}` : ""}
        </li>
      ))}
    </ul>
  );
}

function Latency({ times }: { times: Percentiles | undefined }) {
  const { duration } = formatters.value;
  if (times === undefined) return <>{duration(undefined)}</>;
  return (
    <>
      {duration(times.p50)}
      <span class="secondary">p95 {duration(times.p95)}</span>
    </>
  );
}
