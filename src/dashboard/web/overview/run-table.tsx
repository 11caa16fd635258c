import type { RunSummary } from "../../contract.ts";
import { show } from "../format/show.ts";
import { runLink } from "../parse-route.ts";
import { Phase } from "../parts/phase.tsx";
import { Progress, shareDone } from "../parts/progress.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Runs, a line each. */
export function RunTable({ runs, at }: { runs: readonly RunSummary[]; at: number }) {
  const w = words.value.runs;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.run}</th>
          <th scope="col">{w.phase}</th>
          <th scope="col" class="wide">
            {w.progress}
          </th>
          <th scope="col" class="number">
            {w.rate}
          </th>
          <th scope="col" class="number">
            {w.left}
          </th>
          <th scope="col" class="number">
            {w.cost}
          </th>
          <th scope="col" class="number">
            {w.started}
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <RunLine key={run.run} run={run} at={at} />
        ))}
      </tbody>
    </table>
  );
}

function RunLine({ run, at }: { run: RunSummary; at: number }) {
  const w = words.value.runs;
  const { count, share, short, duration, money, age } = show.value;
  const { items, cost } = run;
  return (
    <tr>
      <td class="name">
        <a href={runLink(run.run)}>
          <Text value={run.name ?? run.run} cut />
        </a>
        <span class="below">
          <Text
            value={[run.model, run.name === undefined ? undefined : run.run].filter(Boolean).join(" · ")}
            cut
          />
        </span>
      </td>
      <td class="line">
        <Phase run={run} />
      </td>
      <td class="full wide">
        {items === undefined ? (
          show.value.count(undefined)
        ) : (
          <>
            <Progress items={items} />
            <span class="below">
              {w.countOf(share(shareDone(items)), count(items.succeeded + items.failed), count(items.total))}
              {items.failed > 0 ? ` · ${w.failed(count(items.failed))}` : ""}
            </span>
          </>
        )}
      </td>
      <td class={run.itemsPerSecond === undefined ? "number none" : "number"} data-label={w.rate}>
        {run.itemsPerSecond === undefined ? short(undefined) : w.itemsPerSecond(short(run.itemsPerSecond))}
      </td>
      <td class={run.etaMs === undefined ? "number none" : "number"} data-label={w.left}>
        {duration(run.etaMs)}
      </td>
      <td class={cost === undefined ? "number none" : "number"} data-label={w.cost}>
        {money(cost?.spent, cost?.currency)}
        {cost?.expected === undefined || run.finishedAt !== undefined ? null : (
          <span class="below">{w.expected(money(cost.expected, cost.currency))}</span>
        )}
      </td>
      <td class="number spare" data-label={w.started}>
        {w.ago(age(run.createdAt, at))}
      </td>
    </tr>
  );
}
