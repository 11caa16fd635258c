import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { WorkerView } from "#src/dashboard/overview/overview-api.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

export function WorkerTable({ workers, at }: { workers: readonly WorkerView[]; at: number }) {
  const t = translations.value.workers;
  if (workers.length === 0) return <EmptyState command={SUGGESTED_COMMANDS.worker()}>{t.none}</EmptyState>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.worker}</th>
          <th scope="col">{t.state}</th>
          <th scope="col" class="numeric">
            {t.jobs}
          </th>
          <th scope="col" class="numeric">
            {t.calls}
          </th>
          <th scope="col" class="numeric">
            {t.lastJob}
          </th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <WorkerRow key={worker.id} worker={worker} at={at} />
        ))}
      </tbody>
    </table>
  );
}

function WorkerRow({ worker, at }: { worker: WorkerView; at: number }) {
  const t = translations.value.workers;
  const { count, age } = formatters.value;
  const isDead = worker.state === "dead";
  return (
    <tr>
      <td class="name">
        <UntrustedText value={[worker.host ?? worker.id, worker.pid].filter(Boolean).join(" ")} truncate />
        <span class="secondary">
          <UntrustedText value={worker.version === undefined ? "" : t.version(worker.version)} />
          {worker.startedAt === undefined ? "" : `, ${t.uptime(age(worker.startedAt, at))}`}
        </span>
      </td>
      <td>
        <StatusBadge tone={isDead ? "error" : "active"}>{isDead ? t.dead : t.alive}</StatusBadge>
        {isDead ? <span class="secondary">{t.silentFor(age(worker.seenAt, at))}</span> : null}
      </td>
      <td class="numeric" data-label={t.jobs}>
        {count(isDead ? undefined : worker.jobsInFlight)}
      </td>
      <td class="numeric" data-label={t.calls}>
        {count(isDead ? undefined : worker.callsInFlight)}
      </td>
      <td class="numeric" data-label={t.lastJob}>
        {worker.lastClaimAt === undefined ? count(undefined) : translations.value.runs.ago(age(worker.lastClaimAt, at))}
      </td>
    </tr>
  );
}
