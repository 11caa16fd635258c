import type { LaneView, SetLaneLimits } from "../../contract.ts";
import { ask } from "../parts/dialog.tsx";
import { Text } from "../parts/text.tsx";
import { askServer } from "../server/ask-server.ts";
import { words } from "../words/words.ts";
import { LaneReason } from "./lane-reason.tsx";

/** Asks for a lane's limits, which count for all workers at once. */
export function askForLimits(lane: LaneView): void {
  const w = words.value.lanes;
  ask({
    title: w.limitsTitle,
    body: (
      <div class="steps">
        <p>
          <Text value={lane.name} mono />
        </p>
        <p class="small soft">{w.limitsBody}</p>
        <div class="form">
          <LimitField name="requestsPerMinute" label={w.requestsUsed} share={lane.requests} />
          <LimitField name="tokensPerMinute" label={w.tokensUsed} share={lane.tokens} />
          <LimitField name="concurrency" label={w.concurrency} share={lane.concurrency} />
        </div>
        <label class="check">
          <input type="checkbox" name="clear" />
          {w.clear}
        </label>
      </div>
    ),
    confirm: w.setLimits,
    isReady: (fields) => [...fields.values()].some((value) => value !== ""),
    act: async (fields) => {
      await askServer<LaneView>("api/lanes/limits", { body: readLimits(lane.name, fields) });
      return words.value.lanes.limitsSet;
    },
  });
}

function LimitField({ name, label, share }: { name: string; label: string; share: LaneView["requests"] }) {
  return (
    <label class="field grow">
      <span>{label}</span>
      <input
        class="input"
        name={name}
        type="number"
        min={1}
        step={1}
        inputMode="numeric"
        placeholder={share.allowed === undefined ? "" : String(share.allowed)}
        defaultValue={share.set && share.allowed !== undefined ? String(share.allowed) : ""}
      />
    </label>
  );
}

function readLimits(lane: string, fields: FormData): SetLaneLimits {
  const figure = (name: string) => {
    const text = String(fields.get(name) ?? "").trim();
    return text === "" ? {} : { [name]: Number(text) };
  };
  return {
    lane,
    ...figure("requestsPerMinute"),
    ...figure("tokensPerMinute"),
    ...figure("concurrency"),
    ...(fields.get("clear") ? { clear: true } : {}),
  };
}

/** Asks before a parked lane is opened: what parked it may cost money again. */
export function askToUnpark(lane: LaneView): void {
  const w = words.value.lanes;
  ask({
    title: w.unparkTitle,
    body: (
      <>
        <p>
          <Text value={lane.name} mono />
        </p>
        <p>{w.unparkBody}</p>
        {lane.reason === undefined ? null : (
          <p class="note warn">
            <LaneReason {...lane} />
          </p>
        )}
      </>
    ),
    confirm: w.unpark,
    act: async () => {
      await askServer<LaneView>("api/lanes/unpark", { body: { lane: lane.name } });
      return words.value.lanes.unparked;
    },
  });
}
