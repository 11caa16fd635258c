import type { WorkerView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Empty } from "../parts/card.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

/** Worker processes, the living first. */
export function WorkerTable({ workers, at }: { workers: readonly WorkerView[]; at: number }) {
  const w = words.value.workers;
  if (workers.length === 0) return <Empty command="sluice worker">{w.none}</Empty>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.worker}</th>
          <th scope="col">{w.state}</th>
          <th scope="col" class="number">
            {w.jobs}
          </th>
          <th scope="col" class="number">
            {w.calls}
          </th>
          <th scope="col" class="number">
            {w.lastClaim}
          </th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <WorkerLine key={worker.id} worker={worker} at={at} />
        ))}
      </tbody>
    </table>
  );
}

function WorkerLine({ worker, at }: { worker: WorkerView; at: number }) {
  const w = words.value.workers;
  const { count, age } = show.value;
  const isDead = worker.state === "dead";
  return (
    <tr>
      <td class="name">
        <Text value={[worker.host ?? worker.id, worker.pid].filter(Boolean).join(" ")} cut />
        <span class="below">
          <Text value={worker.version === undefined ? "" : w.version(worker.version)} />
          {worker.startedAt === undefined ? "" : `, ${w.since(age(worker.startedAt, at))}`}
        </span>
      </td>
      <td>
        <State tone={isDead ? "bad" : "live"}>{isDead ? w.dead : w.alive}</State>
        {isDead ? <span class="below">{w.silent(age(worker.seenAt, at))}</span> : null}
      </td>
      <td class="number" data-label={w.jobs}>
        {count(isDead ? undefined : worker.jobsInFlight)}
      </td>
      <td class="number" data-label={w.calls}>
        {count(isDead ? undefined : worker.callsInFlight)}
      </td>
      <td class="number" data-label={w.lastClaim}>
        {worker.lastClaimAt === undefined
          ? count(undefined)
          : words.value.runs.ago(age(worker.lastClaimAt, at))}
      </td>
    </tr>
  );
}
