import type { FailureCluster, FailureClusters, RunAction, RunPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { Problem } from "../parts/problem.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { askToRetry } from "./ask-to-retry.tsx";

/** Clusters are counted from the records on disk, so they are read from time to time and not pushed. */
const EVERY_MS = 5_000;

/** Failures by their cause, the most frequent first. */
export function Clusters({
  run,
  failed,
  actions,
  refusals,
}: {
  run: string;
  failed: number | undefined;
  actions: readonly RunAction[];
  refusals: RunPage["refusals"];
}) {
  const path = `api/runs/${encodeURIComponent(run)}/clusters`;
  const { answer, error } = useAnswer<FailureClusters>(path, EVERY_MS);
  const w = words.value.run;
  const { count } = show.value;
  return (
    <Card
      title={w.failures}
      end={<span class="small soft">{w.failuresCount(count(answer?.total ?? failed))}</span>}
    >
      {error !== undefined && answer === undefined ? <Problem error={error} /> : null}
      {answer?.clusters.length === 0 ? <Empty>{w.noFailures}</Empty> : null}
      {refusals.retry !== undefined && answer && answer.total > 0 ? (
        <p class="note">
          <Text value={refusals.retry} />
        </p>
      ) : null}
      <ul>
        {answer?.clusters.map((cluster) => (
          <Cluster key={cluster.cluster} run={run} cluster={cluster} canRetry={actions.includes("retry")} />
        ))}
      </ul>
      {answer && answer.others > 0 ? (
        <p class="body soft small">{w.otherFailures(count(answer.others))}</p>
      ) : null}
    </Card>
  );
}

function Cluster({ run, cluster, canRetry }: { run: string; cluster: FailureCluster; canRetry: boolean }) {
  const w = words.value.run;
  const { count, kind, code, message, example } = cluster;
  const link = `api/runs/${encodeURIComponent(run)}/clusters/${encodeURIComponent(cluster.cluster)}/export`;
  return (
    <li class="cluster">
      <span class="count">{show.value.count(count)}</span>
      <div>
        <p>
          <State tone="bad">
            <Kind kind={kind} />
          </State>{" "}
          {code === undefined ? null : <Text value={code} mono />}
        </p>
        <p>
          <Text value={message} />
        </p>
        <p class="example">
          {w.example}{" "}
          <a href={itemLink(run, example.index)}>
            <Text value={example.id ?? `#${example.index}`} />
          </a>
          {": "}
          <Text value={example.message} />
        </p>
      </div>
      <div class="actions">
        {mayAct() && canRetry ? (
          <button
            type="button"
            class="button slight"
            aria-label={w.retryCluster(message)}
            onClick={() => askToRetry(run, { cluster: cluster.cluster }, count, message)}
          >
            {w.retry}
          </button>
        ) : null}
        <a class="button slight" href={link} download={`failures-${run}.jsonl`}>
          {w.export}
        </a>
        {mayAct() ? (
          <a
            class="button slight"
            href={`${link}?texts=1`}
            download={`failures-${run}-texts.jsonl`}
            title={w.exportTextsTitle}
          >
            {w.exportTexts}
          </a>
        ) : null}
      </div>
    </li>
  );
}
