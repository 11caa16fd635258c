import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** Job counts of each queue, with links to bull-board, which shows the jobs. */
export function QueuesScreen() {
  const overview = useSignal<Overview | undefined>(undefined);
  useEventStream("overview=1", {
    overview: (next) => {
      overview.value = next;
    },
  });
  const t = translations.value;
  const queues = overview.value?.providers.flatMap(({ name, queues }) =>
    queues.map((queue) => ({ ...queue, provider: name })),
  );
  const { count } = formatters.value;
  const boardPath = canOperate() ? "act" : "view";
  return (
    <>
      <div class="page-title">
        <h1>{t.nav.queues}</h1>
        <div class="actions">
          <a class="button primary" href="queues/" target="_blank" rel="noopener">
            {t.queues.openBoard}
          </a>
        </div>
      </div>
      <p class="muted">{canOperate() ? t.queues.board : t.queues.boardReadOnly}</p>
      <Card title={t.queues.title}>
        {queues === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : queues.length === 0 ? (
          <EmptyState command={SUGGESTED_COMMANDS.providers()}>{t.common.noProviders}</EmptyState>
        ) : (
          <table class="table">
            <thead>
              <tr>
                <th scope="col" class="wide">
                  {t.queues.queue}
                </th>
                <th scope="col">{t.queues.type}</th>
                <th scope="col" class="numeric">
                  {t.queues.waiting}
                </th>
                <th scope="col" class="numeric">
                  {t.queues.active}
                </th>
                <th scope="col" class="numeric">
                  {t.queues.delayed}
                </th>
              </tr>
            </thead>
            <tbody>
              {queues.map(({ name, kind, priority, waiting, active, delayed, paused }) => (
                <tr key={name}>
                  <td class="name">
                    <a href={`queues/${boardPath}/queue/${encodeURIComponent(name)}`} target="_blank" rel="noopener">
                      <UntrustedText value={name} />
                    </a>{" "}
                    {paused ? <StatusBadge tone="warning">{t.providers.paused}</StatusBadge> : null}
                  </td>
                  <td class="full-width nowrap">
                    {t.providers.kinds[kind]}, {t.providers.priorities[priority]}
                  </td>
                  <td class="numeric" data-label={t.queues.waiting}>
                    {count(waiting)}
                  </td>
                  <td class="numeric" data-label={t.queues.active}>
                    {count(active)}
                  </td>
                  <td class="numeric" data-label={t.queues.delayed}>
                    {count(delayed)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
    </>
  );
}
