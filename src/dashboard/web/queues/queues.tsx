import { useSignal } from "@preact/signals";
import type { Overview } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Card, Empty } from "../parts/card.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { useLive } from "../server/live.ts";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";

/** How full each queue is; the jobs themselves are one tab away, in bull-board. */
export function Queues() {
  const overview = useSignal<Overview | undefined>(undefined);
  useLive("overview=1", {
    overview: (next) => {
      overview.value = next;
    },
  });
  const w = words.value;
  const queues = overview.value?.providers.flatMap(({ name, queues }) =>
    queues.map((queue) => ({ ...queue, provider: name })),
  );
  const { count } = show.value;
  const board = mayAct() ? "act" : "view";
  return (
    <>
      <div class="title">
        <h1>{w.nav.queues}</h1>
        <div class="actions">
          <a class="button primary" href="queues/" target="_blank" rel="noopener">
            {w.queues.open}
          </a>
        </div>
      </div>
      <p class="soft">{mayAct() ? w.queues.mayAct : w.queues.readOnly}</p>
      <Card title={w.queues.title}>
        {queues === undefined ? (
          <Empty>{w.common.loading}</Empty>
        ) : queues.length === 0 ? (
          <Empty command="sluice providers">{w.queues.none}</Empty>
        ) : (
          <table class="table">
            <thead>
              <tr>
                <th scope="col" class="wide">
                  {w.queues.queue}
                </th>
                <th scope="col">{w.queues.kind}</th>
                <th scope="col" class="number">
                  {w.queues.waiting}
                </th>
                <th scope="col" class="number">
                  {w.queues.active}
                </th>
                <th scope="col" class="number">
                  {w.queues.delayed}
                </th>
              </tr>
            </thead>
            <tbody>
              {queues.map(({ name, kind, priority, waiting, active, delayed, paused }) => (
                <tr key={name}>
                  <td class="name">
                    <a
                      href={`queues/${board}/queue/${encodeURIComponent(name)}`}
                      target="_blank"
                      rel="noopener"
                    >
                      <Text value={name} />
                    </a>{" "}
                    {paused ? <State tone="warn">{w.providers.paused}</State> : null}
                  </td>
                  <td class="full line">
                    {w.providers.kinds[kind]}, {w.providers.priorities[priority]}
                  </td>
                  <td class="number" data-label={w.queues.waiting}>
                    {count(waiting)}
                  </td>
                  <td class="number" data-label={w.queues.active}>
                    {count(active)}
                  </td>
                  <td class="number" data-label={w.queues.delayed}>
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
