import type { Clock } from "#src/core/clock.ts";
import { isFault } from "#src/core/failures/decide-after-failure.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
import { readRefusedLimit } from "#src/core/failures/refused-limit.ts";
import { formatLane, type Lane, type LaneLimits } from "#src/core/lane.ts";
import type { Limiter, Reservation } from "#src/limiter/limiter.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";

/** Makes a small call with an input that no provider rejects; resolves with its total tokens if they are reported. */
export type ProbeCall = () => Promise<number | undefined>;

/** Whether the provider accepts other inputs; undefined when the probe was neither accepted nor refused. */
export type ProbeResult = "accepted" | "refused" | undefined;

export interface LaneProberDeps {
  readonly limiter: Limiter;
  readonly clock: Clock;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
}

/** A call that the provider refused. */
export interface Refusal {
  readonly grant: Grant<unknown>;
  readonly status: number | undefined;
}

interface RunningProbe {
  /** Set when its request is sent: until then, it comes after every refusal that is known. */
  isSent: boolean;
  /** Never rejects. */
  readonly result: Promise<ProbeResult>;
}

interface ProbedLane {
  readonly lane: Lane;
  /** When the latest accepted call was granted, on the limiter's clock. */
  acceptedAt: number;
  running?: RunningProbe;
  /** The reservation of the running probe. */
  reservation?: string;
}

/** The text of a probe. */
export const PROBE_TEXT = "Hi";
/** Estimated tokens of a probe with its answer. */
const PROBE_TOKENS = 32;
const MAX_WAIT_MS = 60_000;
const POLL_MS = 100;

/**
 * Finds out whether a refusal (401, 403) is caused by the account or by the input: moderation and firewalls send these
 * statuses for single inputs. One small call answers the question for all refusals that were known before it was sent; a
 * probe that was sent earlier may have been accepted before the account was blocked. For a 403, a later success of
 * another call answers it, too.
 */
export class LaneProber {
  readonly #lanes = new Map<string, ProbedLane>();

  recordSuccess({ lane, reservation }: Grant<unknown>): void {
    const state = this.#get(lane.lane);
    state.acceptedAt = Math.max(state.acceptedAt, reservation.grantedAt);
  }

  /** Reservations of probes in flight, by lane: like those of other calls, they have to be renewed. */
  inFlight(): (readonly [Lane, readonly string[]])[] {
    return [...this.#lanes.values()].flatMap(({ lane, reservation }) =>
      reservation === undefined ? [] : [[lane, [reservation]] as const],
    );
  }

  /** Never rejects. */
  async probe(refused: Refusal, call: ProbeCall, deps: LaneProberDeps): Promise<ProbeResult> {
    const { grant, status } = refused;
    const state = this.#get(grant.lane.lane);
    while (true) {
      if (status === 403 && state.acceptedAt > grant.reservation.grantedAt) return "accepted";
      state.running ??= this.#start(state, grant.lane.limits, call, deps);
      const { isSent: wasSentBefore, result: running } = state.running;
      const result = await running;
      if (result !== "accepted" || !wasSentBefore) return result;
    }
  }

  #start(state: ProbedLane, limits: LaneLimits, call: ProbeCall, deps: LaneProberDeps): RunningProbe {
    const send = () => {
      probe.isSent = true;
      return call();
    };
    const probe: RunningProbe = {
      isSent: false,
      result: runProbe(state, limits, send, deps)
        .catch(() => undefined)
        .finally(() => {
          state.running = undefined;
          state.reservation = undefined;
        }),
    };
    return probe;
  }

  #get(lane: Lane): ProbedLane {
    const name = formatLane(lane);
    const state = this.#lanes.get(name) ?? { lane, acceptedAt: 0 };
    this.#lanes.set(name, state);
    return state;
  }
}

async function runProbe(
  state: ProbedLane,
  limits: LaneLimits,
  send: ProbeCall,
  deps: LaneProberDeps,
): Promise<ProbeResult> {
  const { lane } = state;
  const reservation = await reserveOne(lane, limits, deps);
  if (reservation === "parked") return "refused";
  if (!reservation) return undefined;
  const { id, grantedAt } = reservation;
  state.reservation = id;
  try {
    const tokens = await send();
    await deps.limiter.settle(lane, [{ id, outcome: "ok", tokens }]).catch(() => undefined);
  } catch (thrown) {
    const error = thrown instanceof ProviderError ? thrown : undefined;
    const isDenied = error?.kind === "auth" || error?.kind === "quota";
    const outcome = error && isFault(error) ? "fault" : isDenied ? "denied" : "failed";
    await deps.limiter.settle(lane, [{ id, outcome }]).catch(() => undefined);
    if (isDenied) return "refused";
    if (error?.kind === "throttled" || error?.kind === "overloaded") {
      const { retryAfterMs } = error;
      await deps.limiter.throttle(lane, limits, { ...readRefusedLimit(error), retryAfterMs, grantedAt });
    }
    // These prove that the account may call the model, too.
    if (error?.kind !== "invalid-request" && error?.kind !== "too-long" && error?.kind !== "content-filter")
      return undefined;
  }
  state.acceptedAt = Math.max(state.acceptedAt, grantedAt);
  return "accepted";
}

async function reserveOne(
  lane: Lane,
  limits: LaneLimits,
  { limiter, clock, signal }: LaneProberDeps,
): Promise<Reservation | "parked" | undefined> {
  const until = clock.monotonic() + MAX_WAIT_MS;
  while (clock.monotonic() < until && !signal.aborted) {
    const { granted, wait } = await limiter.reserve(lane, limits, [PROBE_TOKENS], 1);
    if (granted[0]) return granted[0];
    if (wait?.reason === "parked") return "parked";
    await clock.sleep(Math.min(Math.max(wait?.waitMs ?? POLL_MS, 1), 1_000), signal);
  }
  return undefined;
}
