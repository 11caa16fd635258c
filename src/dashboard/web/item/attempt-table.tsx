import type { AttemptView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Empty } from "../parts/card.tsx";
import { Kind } from "../parts/kind.tsx";
import { State, type Tone } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { words } from "../words/words.ts";

const TONES: Readonly<Record<AttemptView["outcome"], Tone>> = {
  succeeded: "good",
  failed: "bad",
  throttled: "warn",
  lost: "bad",
  running: "live",
};

/** Every upstream call for the item that somebody noted. */
export function AttemptTable({ history, at }: { history: readonly AttemptView[]; at: number }) {
  const w = words.value.items;
  const { moment, duration } = show.value;
  if (history.length === 0) return <Empty>{w.noHistory}</Empty>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.attempt}</th>
          <th scope="col">{w.began}</th>
          <th scope="col" class="number">
            {w.took}
          </th>
          <th scope="col">{w.outcome}</th>
          <th scope="col" class="wide">
            {w.lane}
          </th>
        </tr>
      </thead>
      <tbody>
        {history.map((attempt) => (
          <tr key={attempt.number}>
            <td class="line">{w.attemptNumber(String(attempt.number))}</td>
            <td class="line" data-label={w.began}>
              {moment(attempt.at, at)}
            </td>
            <td class="number" data-label={w.took}>
              {duration(attempt.durationMs)}
            </td>
            <td>
              <State tone={TONES[attempt.outcome]}>{w.outcomes[attempt.outcome]}</State>
            </td>
            <td class="full">
              <Text value={[attempt.lane, attempt.worker].filter(Boolean).join(" · ")} />
              {attempt.failure === undefined ? null : (
                <span class="below">
                  <Kind kind={attempt.failure.kind} />{" "}
                  <Text value={[attempt.failure.code, attempt.failure.message].filter(Boolean).join(": ")} />
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
