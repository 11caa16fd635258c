import type { LaneView } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Empty } from "../parts/card.tsx";
import { Meter } from "../parts/meter.tsx";
import { State } from "../parts/state.tsx";
import { Text } from "../parts/text.tsx";
import { mayAct } from "../server/session.ts";
import { words } from "../words/words.ts";
import { askForLimits, askToUnpark } from "./change-lane.tsx";
import { LaneReason } from "./lane-reason.tsx";

/** Lanes, and how much of each of their limits is in use. */
export function LaneTable({ lanes, at }: { lanes: readonly LaneView[]; at: number }) {
  const w = words.value.lanes;
  if (lanes.length === 0) return <Empty command="sluice providers">{w.none}</Empty>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{w.lane}</th>
          <th scope="col">{w.state}</th>
          <th scope="col">{w.requestsUsed}</th>
          <th scope="col">{w.tokensUsed}</th>
          <th scope="col">{w.concurrency}</th>
          <th scope="col" class="number">
            {w.throttles}
          </th>
          {mayAct() ? (
            <th scope="col">
              <span class="unseen">{w.change}</span>
            </th>
          ) : null}
        </tr>
      </thead>
      <tbody>
        {lanes.map((lane) => (
          <LaneLine key={lane.name} lane={lane} at={at} />
        ))}
      </tbody>
    </table>
  );
}

function LaneLine({ lane, at }: { lane: LaneView; at: number }) {
  const w = words.value.lanes;
  const { count, short } = show.value;
  return (
    <tr>
      <td class="name">
        <Text value={lane.name} />
      </td>
      <td class="full">
        <LaneState lane={lane} at={at} />
      </td>
      <td class="share" data-label={w.requestsUsed}>
        <Meter share={lane.requests} label={`${lane.name}, ${w.requestsUsed}`} />
      </td>
      <td class="share" data-label={w.tokensUsed}>
        <Meter share={lane.tokens} label={`${lane.name}, ${w.tokensUsed}`} />
      </td>
      <td class="share third" data-label={w.concurrency}>
        <Meter share={lane.concurrency} label={`${lane.name}, ${w.concurrency}`} />
      </td>
      <td class="number" data-label={w.throttles}>
        {count(lane.throttles)}
        {lane.throttlesPerMinute === undefined ? null : (
          <span class="below">{w.perMinute(short(lane.throttlesPerMinute))}</span>
        )}
      </td>
      {mayAct() ? (
        <td>
          <span class="actions">
            {lane.state === "parked" ? (
              <button type="button" class="button slight" onClick={() => askToUnpark(lane)}>
                {w.unpark}
              </button>
            ) : null}
            <button
              type="button"
              class="button slight bare"
              aria-label={w.limitsOf(lane.name)}
              onClick={() => askForLimits(lane)}
            >
              {w.limits}
            </button>
          </span>
        </td>
      ) : null}
    </tr>
  );
}

const OUT = 5;

function LaneState({ lane, at }: { lane: LaneView; at: number }) {
  const w = words.value.lanes;
  const { duration } = show.value;
  const reason =
    lane.reason === undefined ? null : (
      <span class="below">
        <LaneReason {...lane} />
      </span>
    );
  if (lane.state === "parked")
    return (
      <>
        <State tone="bad">{w.parked}</State>
        {reason}
      </>
    );
  if (lane.state === "snoozed")
    return (
      <>
        <State tone="warn">
          {lane.snoozeUntil === undefined
            ? w.snoozed
            : w.snoozedFor(duration(Math.max(0, lane.snoozeUntil - at)))}
        </State>
        {reason}
      </>
    );
  if (lane.faultStreak !== undefined && lane.faultStreak >= OUT)
    return <State tone="bad">{w.out(String(lane.faultStreak))}</State>;
  return <State tone={lane.concurrency.used > 0 ? "live" : "quiet"}>{w.open}</State>;
}
