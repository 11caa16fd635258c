import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ErrorBody, RunPage } from "../../contract.ts";
import { LaneTable } from "../overview/lane-table.tsx";
import { Card, Empty } from "../parts/card.tsx";
import { Phase } from "../parts/phase.tsx";
import { Problem } from "../parts/problem.tsx";
import { showControls } from "../parts/show-controls.ts";
import { Text } from "../parts/text.tsx";
import { ServerError } from "../server/ask-server.ts";
import { useLive } from "../server/live.ts";
import { words } from "../words/words.ts";
import { Clusters } from "./clusters.tsx";
import { wantedInAddress } from "./item-address.ts";
import { Items } from "./items.tsx";
import { RetryNote } from "./retry-note.tsx";
import { RunActions } from "./run-actions.tsx";
import { RunCharts } from "./run-charts.tsx";
import { RunFacts } from "./run-facts.tsx";
import { RunFolder } from "./run-folder.tsx";
import { StopNote } from "./stop-note.tsx";
import type { WantedItems } from "./wanted-items.ts";

/** One run: how far it is, what it costs, why items fail, and what can be done about it. */
export function Run({ run }: { run: string }) {
  const page = useSignal<RunPage | undefined>(undefined);
  const refused = useSignal<ErrorBody["error"] | undefined>(undefined);
  useLive(`run=${encodeURIComponent(run)}`, {
    run: (next) => {
      page.value = next;
      refused.value = undefined;
    },
    refused: ({ error }) => {
      refused.value = error;
    },
  });
  const now = page.value;
  const w = words.value;
  return (
    <>
      <nav class="crumbs" aria-label={w.common.where}>
        <a href="#/runs">{w.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <Text value={run} mono />
      </nav>
      {refused.value === undefined ? null : (
        <Problem error={new ServerError(refused.value.code, refused.value.message, refused.value)} />
      )}
      {now === undefined ? (
        refused.value === undefined ? (
          <Empty>{w.common.loading}</Empty>
        ) : null
      ) : (
        <Whole now={now} />
      )}
    </>
  );
}

function Whole({ now }: { now: RunPage }) {
  const w = words.value;
  const wanted = useSignal<WantedItems | undefined>(wantedInAddress());
  const turn = useSignal(0);
  const title = now.name ?? now.run;
  useEffect(() => {
    document.title = `${showControls(title)} · Sluice`;
  }, [title]);
  return (
    <>
      <div class="title">
        <h1>
          <Text value={title} />
        </h1>
        <Phase run={now} />
        <RunActions page={now} />
      </div>
      <StopNote page={now} />
      <RetryNote retry={now.retry} />
      <RunFacts page={now} />
      <RunCharts run={now.run} />
      <Clusters
        page={now}
        onItems={({ kind, cluster }) => {
          turn.value += 1;
          wanted.value = { status: "failed", kind, cluster };
          document.getElementById("items")?.scrollIntoView();
        }}
      />
      <Items page={now} wanted={wanted} turn={turn.value} />
      {now.lanes.length === 0 ? null : (
        <Card title={w.lanes.title}>
          <LaneTable lanes={now.lanes} at={now.at} />
        </Card>
      )}
      <RunFolder page={now} />
    </>
  );
}
