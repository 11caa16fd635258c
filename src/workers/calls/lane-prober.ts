import type { Clock } from "#src/core/clock.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
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

interface ProbedLane {
  /** When the latest accepted call was granted, on the limiter's clock. */
  acceptedAt: number;
  running?: Promise<ProbeResult>;
}

/** The text of a probe. */
export const PROBE_TEXT = "Hi";
/** Estimated tokens of a probe with its answer. */
const PROBE_TOKENS = 32;
const MAX_WAIT_MS = 60_000;
const POLL_MS = 100;

/**
 * Finds out whether a refusal (401, 403) is caused by the account or by the input: moderation and firewalls send these
 * statuses for single inputs. A later success of another call answers the question; otherwise one small call does, which
 * all refusals of the lane share.
 */
export class LaneProber {
  readonly #lanes = new Map<string, ProbedLane>();

  recordSuccess({ lane, reservation }: Grant<unknown>): void {
    const state = this.#get(lane.lane);
    state.acceptedAt = Math.max(state.acceptedAt, reservation.grantedAt);
  }

  /** Never rejects. */
  async probe(refused: Grant<unknown>, call: ProbeCall, deps: LaneProberDeps): Promise<ProbeResult> {
    const state = this.#get(refused.lane.lane);
    if (state.acceptedAt > refused.reservation.grantedAt) return "accepted";
    state.running ??= this.#run(refused, call, deps)
      .catch(() => undefined)
      .finally(() => {
        state.running = undefined;
      });
    return await state.running;
  }

  async #run({ lane: { lane, limits } }: Grant<unknown>, call: ProbeCall, deps: LaneProberDeps): Promise<ProbeResult> {
    const reservation = await reserveOne(lane, limits, deps);
    if (reservation === "parked") return "refused";
    if (!reservation) return undefined;
    const { id, grantedAt } = reservation;
    try {
      const tokens = await call();
      await deps.limiter.settle(lane, [{ id, outcome: "ok", tokens }]);
    } catch (thrown) {
      await deps.limiter.settle(lane, [{ id, outcome: "failed" }]).catch(() => undefined);
      const kind = thrown instanceof ProviderError ? thrown.kind : undefined;
      if (kind === "auth" || kind === "quota") return "refused";
      // These prove that the account may call the model, too.
      if (kind !== "invalid-request" && kind !== "too-long" && kind !== "content-filter") return undefined;
    }
    const state = this.#get(lane);
    state.acceptedAt = Math.max(state.acceptedAt, grantedAt);
    return "accepted";
  }

  #get(lane: Lane): ProbedLane {
    const name = formatLane(lane);
    const state = this.#lanes.get(name) ?? { acceptedAt: 0 };
    this.#lanes.set(name, state);
    return state;
  }
}

async function reserveOne(
  lane: Lane,
  limits: LaneLimits,
  { limiter, clock, signal }: LaneProberDeps,
): Promise<Reservation | "parked" | undefined> {
  const until = clock.now() + MAX_WAIT_MS;
  while (clock.now() < until) {
    const { granted, wait } = await limiter.reserve(lane, limits, [PROBE_TOKENS], 1);
    if (granted[0]) return granted[0];
    if (wait?.reason === "parked") return "parked";
    await clock.sleep(Math.min(Math.max(wait?.waitMs ?? POLL_MS, 1), 1_000), signal);
  }
  return undefined;
}

/** Whether the error may be caused by the input although it looks like a problem of the account. */
export function isRefusal({ kind, status }: ProviderError): boolean {
  return kind === "auth" && (status === 401 || status === 403);
}

/** The error of a refused input after a probe. */
export function explainRefusal(error: ProviderError, result: ProbeResult): ProviderError {
  if (result === "refused") return error;
  const { provider, status, code, requestId, providerMessage, param } = error;
  const details = { provider, status, code, requestId, providerMessage, param, cause: error };
  if (result === "accepted")
    return new ProviderError(
      `the provider rejected this input (HTTP ${status}) but accepts others: a content filter or a firewall rejects it`,
      { ...details, kind: "content-filter" },
    );
  return new ProviderError(`the provider rejected the call (HTTP ${status}), and a test call was not answered`, {
    ...details,
    kind: "server",
  });
}
