import { useSignal } from "@preact/signals";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { Headline } from "./headline.tsx";
import { HistoryCharts } from "./history-charts.tsx";
import { LaneTable } from "./lane-table.tsx";
import { ProviderTable } from "./provider-table.tsx";
import { RedisDetails } from "./redis-details.tsx";
import { RunTable } from "./run-table.tsx";
import { WorkerTable } from "./worker-table.tsx";

/** The start page, updated live: runs, problems, costs, and the use of each limit. */
export function OverviewScreen() {
  const overview = useSignal<Overview | undefined>(undefined);
  useEventStream("overview=1", {
    overview: (next) => {
      overview.value = next;
    },
  });
  const now = overview.value;
  const t = translations.value;
  return (
    <>
      <h1 class="visually-hidden">{t.nav.overview}</h1>
      <Headline overview={now} />
      <Card title={t.overview.activeRuns} actions={<AllRunsLink runs={now?.runs} />}>
        {now === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : now.runs.active.length === 0 ? (
          <EmptyState command={SUGGESTED_COMMANDS.embed()}>{t.overview.noActiveRuns}</EmptyState>
        ) : (
          <RunTable runs={now.runs.active} at={now.at} />
        )}
      </Card>
      {now?.runs.recentlyFinished === undefined || now.runs.recentlyFinished.length === 0 ? null : (
        <Card title={t.overview.recentlyFinished}>
          <RunTable runs={now.runs.recentlyFinished} at={now.at} />
        </Card>
      )}
      {now === undefined ? null : (
        <>
          <Card title={t.lanes.title}>
            <LaneTable lanes={now.lanes} at={now.at} />
          </Card>
          <HistoryCharts latest={now.latest} at={now.at} />
          <Card title={t.providers.title}>
            <ProviderTable providers={now.providers} />
          </Card>
          <div class="columns">
            <Card title={t.workers.title}>
              <WorkerTable workers={now.workers} at={now.at} />
            </Card>
            <Card title="Redis">
              <RedisDetails redis={now.redis} />
            </Card>
          </div>
        </>
      )}
    </>
  );
}

/** A link to all runs, and how many of the active runs are shown here. */
function AllRunsLink({ runs }: { runs: Overview["runs"] | undefined }) {
  const t = translations.value;
  const { count } = formatters.value;
  const shown = runs?.active.length ?? 0;
  return (
    <>
      {(runs?.activeTotal ?? 0) > shown ? (
        <span class="muted">{t.common.shownOf(count(shown), count(runs?.activeTotal))}</span>
      ) : null}
      <a href="#/runs">{t.overview.allRuns}</a>
    </>
  );
}
