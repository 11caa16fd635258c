import { useSignal } from "@preact/signals";
import type { Overview as OverviewView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card, Empty } from "../parts/card.tsx";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";
import { Headline } from "./headline.tsx";
import { HistoryCharts } from "./history-charts.tsx";
import { LaneTable } from "./lane-table.tsx";
import { ProviderTable } from "./provider-table.tsx";
import { RedisFacts } from "./redis-facts.tsx";
import { RunTable } from "./run-table.tsx";
import { WorkerTable } from "./worker-table.tsx";

/** What runs, what is stuck, what it costs, and how much of each limit is in use: on one page, as it happens. */
export function Overview() {
  const overview = useSignal<OverviewView | undefined>(undefined);
  useLive("overview=1", {
    overview: (next) => {
      overview.value = next;
    },
  });
  const now = overview.value;
  const w = words.value;
  return (
    <>
      <h1 class="unseen">{w.nav.overview}</h1>
      <Headline overview={now} />
      <Card title={w.overview.runs} end={<RunsEnd runs={now?.runs} />}>
        {now === undefined ? (
          <Empty>{w.common.loading}</Empty>
        ) : now.runs.active.length === 0 ? (
          <Empty command="sluice embed ./docs --model minimax/embo-01 --out ./vectors">
            {w.overview.nothingRuns}
          </Empty>
        ) : (
          <RunTable runs={now.runs.active} at={now.at} />
        )}
      </Card>
      {now?.runs.ended === undefined || now.runs.ended.length === 0 ? null : (
        <Card title={w.overview.ended}>
          <RunTable runs={now.runs.ended} at={now.at} />
        </Card>
      )}
      {now === undefined ? null : (
        <>
          <Card title={w.lanes.title}>
            <LaneTable lanes={now.lanes} at={now.at} />
          </Card>
          <HistoryCharts latest={now.latest} at={now.at} />
          <Card title={w.providers.title}>
            <ProviderTable providers={now.providers} />
          </Card>
          <div class="columns">
            <Card title={w.workers.title}>
              <WorkerTable workers={now.workers} at={now.at} />
            </Card>
            <Card title="Redis">
              <RedisFacts redis={now.redis} />
            </Card>
          </div>
        </>
      )}
    </>
  );
}

/** The way to all runs, and how many are left out here. */
function RunsEnd({ runs }: { runs: OverviewView["runs"] | undefined }) {
  const w = words.value;
  const { count } = show.value;
  const shown = runs?.active.length ?? 0;
  return (
    <>
      {(runs?.activeTotal ?? 0) > shown ? (
        <span class="soft">{w.common.shownOf(count(shown), count(runs?.activeTotal))}</span>
      ) : null}
      <a href="#/runs">{w.overview.allRuns}</a>
    </>
  );
}
