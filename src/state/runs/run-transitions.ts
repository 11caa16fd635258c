import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** The state of a run in Redis. */
export type RunState = "running" | "paused" | "cancelled" | "done";

/** Undefined if Redis holds no state, or one of another version. */
export function parseRunState(text: string | null | undefined): RunState | undefined {
  return RUN_STATES.find((state) => state === text);
}

const RUN_STATES: readonly RunState[] = ["running", "paused", "cancelled", "done"];

/**
 * The states of a run, and who may change them.
 *
 * | run.json   | Redis         | coordinator | phase shown                                   | meaning |
 * | ---------- | ------------- | ----------- | --------------------------------------------- | ------- |
 * | (none)     | (none)        | yes         | planning                                      | the input is being read |
 * | planned    | (none)        | no          | unknown                                       | the items file is written, no call was made |
 * | running    | running       | yes         | running, snoozing, parked                     | items are fed and called; the phase depends on the lanes |
 * | running    | paused        | yes         | paused                                        | calls in flight finish, no new calls start |
 * | running    | cancelled     | yes         | cancelled                                     | calls in flight finish, then the output is written |
 * | stopped    | paused        | no          | stopped                                       | the coordinator ended in an orderly way |
 * | running    | any but done  | no          | stopped (cancelled: cancelled)                | the coordinator was killed |
 * | writing    | as before     | yes         | finishing ("writing" on the dashboard)        | all items have a record, the output is being written |
 * | finished   | done          | no          | finished (cancelled, if any item was)         | the output is complete |
 *
 * `run.json` is written by the coordinator only. The Redis state is what workers and the coordinator obey; it is
 * changed by `decideTransition` and, at the end of a run, by `RunControl.finish`. The phase is derived from both, from
 * the lanes and from the lease (RunMonitor while a coordinator runs, otherwise the dashboard's `getRunPhase`).
 * In code the last step of a run is called "finishing"; `run.json` and the dashboard call it "writing".
 */
export type RunTransition = UserTransition | "start" | "stop";

/** Requested by a user, from any process. `start` and `stop` are requested by the coordinator itself. */
export type UserTransition = "pause" | "resume" | "cancel";

export interface RunStatus {
  /** Undefined if Redis has no record of the run. */
  readonly state: RunState | undefined;
  /** Whether a living process holds the run's lease. */
  readonly hasCoordinator: boolean;
}

export type TransitionDecision =
  /** The run must be changed to `state`. */
  | { readonly outcome: "change"; readonly state: RunState }
  /** The run is already in the requested state, `state`. */
  | { readonly outcome: "unchanged"; readonly state: RunState }
  | TransitionRefusal;

export interface TransitionRefusal {
  readonly outcome: "refused";
  readonly code: "forgotten" | "no-coordinator" | "nothing-to-pause" | "nothing-to-resume" | "nothing-to-cancel";
  /** One sentence that starts with the name of the run and has no full stop. */
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}

/** For each transition: the state it leads to and the states it may start from. */
const TRANSITIONS: Readonly<Record<RunTransition, { readonly to: RunState; readonly from: readonly RunState[] }>> = {
  pause: { to: "paused", from: ["running"] },
  resume: { to: "running", from: ["paused"] },
  cancel: { to: "cancelled", from: ["running", "paused"] },
  // A run that was cancelled while it had no coordinator stays cancelled: it only collects its records and ends.
  start: { to: "running", from: ["paused", "done"] },
  stop: { to: "paused", from: ["running"] },
};

/** Decides whether a run may change its state. `name` is the subject of the refusal's message. Pure. */
export function decideTransition(
  transition: RunTransition,
  { state, hasCoordinator }: RunStatus,
  name = "RUN",
): TransitionDecision {
  const { to, from } = TRANSITIONS[transition];
  if (transition === "start" || transition === "stop") return decideForCoordinator(transition, state, name);
  if (state === undefined) return refuse.forgotten(name);
  if (state === "done") return refuse.ended(transition, name, "finished");
  // Without a coordinator, a resumed run would only keep workers busy with the rest of its queued jobs, and a paused
  // run would wait for a resume that cannot come. A cancelled run needs its coordinator to write the output.
  if (transition !== "cancel" && !hasCoordinator) return refuse.noCoordinator(name);
  if (state === to) return { outcome: "unchanged", state };
  return from.includes(state) ? { outcome: "change", state: to } : refuse.ended(transition, name, state);
}

function decideForCoordinator(
  transition: "start" | "stop",
  state: RunState | undefined,
  name: string,
): TransitionDecision {
  const { to, from } = TRANSITIONS[transition];
  if (state === undefined) return transition === "start" ? { outcome: "change", state: to } : refuse.forgotten(name);
  return from.includes(state) ? { outcome: "change", state: to } : { outcome: "unchanged", state };
}

const PARTICIPLES = { pause: "paused", resume: "resumed", cancel: "cancelled" } as const;

const refuse = {
  forgotten: (name: string): TransitionRefusal => ({
    outcome: "refused",
    code: "forgotten",
    message: `${name} is unknown to this Redis`,
  }),
  noCoordinator: (name: string): TransitionRefusal => ({
    outcome: "refused",
    code: "no-coordinator",
    message: `${name} is stopped: no process coordinates it`,
    hint: `Run "${SUGGESTED_COMMANDS.resume(name)}" to resume it.`,
  }),
  ended: (transition: UserTransition, name: string, state: string): TransitionRefusal => ({
    outcome: "refused",
    code: `nothing-to-${transition}`,
    message: `${name} is ${state} and cannot be ${PARTICIPLES[transition]}`,
    hint:
      state === "cancelled"
        ? `Once it has ended, "${SUGGESTED_COMMANDS.retry(name)}" retries its cancelled items.`
        : undefined,
  }),
};
