import { useSignal } from "@preact/signals";
import type { FailureCluster, FailureClusters, RunPage } from "../../contract.ts";
import { show } from "../format/show.ts";
import { itemLink } from "../parse-route.ts";
import { Card, Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { Problem } from "../parts/problem.tsx";
import { Said } from "../parts/said.tsx";
import { showControls } from "../parts/show-controls.ts";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { askToRetry } from "./ask-to-retry.tsx";

/** Clusters are counted from the records on disk, so they are read from time to time and not pushed. */
const EVERY_MS = 5_000;
/** Of many causes the rest is shown when it is asked for: what follows on the page would be out of sight. */
const SHOWN = 20;

/** Failures by their cause, the most frequent first. */
export function Clusters({
  page,
  onItems,
}: {
  page: RunPage;
  /** Lists the items of a cluster. */
  onItems: (cluster: FailureCluster) => void;
}) {
  const { run, refusals } = page;
  const isWhole = useSignal(false);
  const path = `api/runs/${encodeURIComponent(run)}/clusters`;
  const { answer, error } = useAnswer<FailureClusters>(path, EVERY_MS);
  const w = words.value.run;
  const { count } = show.value;
  return (
    <Card
      title={w.failures}
      end={<span class="small soft">{w.failuresCount(count(answer?.total ?? page.items?.failed))}</span>}
    >
      {error !== undefined && answer === undefined ? <Problem error={error} /> : null}
      {answer?.clusters.length === 0 ? <Empty>{w.noFailures}</Empty> : null}
      {refusals.retry !== undefined && answer && answer.total > 0 ? (
        <p class="note">
          <Said code={page.refusalCodes?.retry} text={refusals.retry} />
        </p>
      ) : null}
      <ul>
        {answer?.clusters.slice(0, isWhole.value ? undefined : SHOWN).map((cluster) => (
          <Cluster key={cluster.cluster} page={page} cluster={cluster} onItems={onItems} />
        ))}
      </ul>
      {answer && answer.clusters.length > SHOWN && !isWhole.value ? (
        <div class="body actions">
          <button
            type="button"
            class="button"
            onClick={() => {
              isWhole.value = true;
            }}
          >
            {words.value.common.showAll(count(answer.clusters.length))}
          </button>
        </div>
      ) : null}
      {answer && answer.others > 0 ? (
        <p class="body soft small">{w.otherFailures(count(answer.others))}</p>
      ) : null}
    </Card>
  );
}

function Cluster({
  page,
  cluster,
  onItems,
}: {
  page: RunPage;
  cluster: FailureCluster;
  onItems: (cluster: FailureCluster) => void;
}) {
  const w = words.value.run;
  const { run, actions, left } = page;
  const { count, kind, code, example } = cluster;
  const message = cluster.rest ? w.rest : cluster.message;
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
        <p>{cluster.rest ? w.rest : <Text value={message} />}</p>
        <p class="example">
          {w.example}{" "}
          <a href={itemLink(run, example.index)}>
            <Text value={example.id ?? `#${example.index}`} />
          </a>
          {example.message === message ? null : (
            <>
              {": "}
              <Text value={example.message} />
            </>
          )}
        </p>
      </div>
      <div class="actions">
        {actions.includes("items") ? (
          <button type="button" class="button slight" onClick={() => onItems(cluster)}>
            {w.clusterItems}
          </button>
        ) : null}
        {mayAct() && actions.includes("retry") ? (
          <button
            type="button"
            class="button slight"
            aria-label={w.retryCluster(showControls(message))}
            onClick={() => askToRetry(run, { cluster: cluster.cluster }, { failed: count, left, message })}
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
