import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { Limiter, Reservation, WaitReason } from "#src/limiter/limiter.ts";

/** A lane this worker can use: the shared limit and the model behind it. */
export interface ModelLane<M> {
  readonly lane: Lane;
  readonly limits: LaneLimits;
  readonly model: M;
  /** Absent when nobody knows it. */
  readonly price?: TokenPrice;
}

export interface Grant<M> {
  readonly lane: ModelLane<M>;
  readonly reservation: Reservation;
}

export interface LaneReservations<M> {
  readonly grants: readonly Grant<M>[];
  /** Set when fewer were granted than wanted: the soonest any lane may grant more. */
  readonly wait?: { readonly ms: number | undefined; readonly reason: WaitReason };
  /** Every lane is parked: nothing will be granted before a person has mended something. */
  readonly areAllParked: boolean;
}

/** Asks the lanes of a model in turn, starting with another one each time, so that accounts share the work. */
export class LaneChooser<M> {
  readonly #limiter: Limiter;
  readonly #lanes: readonly ModelLane<M>[];
  #next = 0;

  constructor(limiter: Limiter, lanes: readonly ModelLane<M>[]) {
    this.#limiter = limiter;
    this.#lanes = lanes;
  }

  /** `urgent`: so many of the first are waited for by people. */
  async reserve(estimates: readonly number[], interactiveCount = 0): Promise<LaneReservations<M>> {
    const grants: Grant<M>[] = [];
    const waits: { ms: number | undefined; reason: WaitReason }[] = [];
    const start = this.#next++;
    for (let i = 0; i < this.#lanes.length && grants.length < estimates.length; i++) {
      const lane = this.#lanes[(start + i) % this.#lanes.length];
      if (!lane) continue;
      const reply = await this.#limiter
        .reserve(lane.lane, lane.limits, estimates.slice(grants.length), Math.max(0, interactiveCount - grants.length))
        .catch((error: unknown) => {
          // What another lane has granted already must be used, or it would count in its window for nothing.
          if (grants.length === 0) throw error;
          return undefined;
        });
      if (!reply) break;
      grants.push(...reply.granted.map((reservation) => ({ lane, reservation })));
      if (reply.wait) waits.push({ ms: reply.wait.waitMs, reason: reply.wait.reason });
    }
    const areAllParked = waits.length === this.#lanes.length && waits.every((wait) => wait.reason === "parked");
    if (grants.length === estimates.length) return { grants, areAllParked: false };
    return { grants, wait: findSoonestWait(waits), areAllParked };
  }
}

function findSoonestWait(waits: readonly { ms: number | undefined; reason: WaitReason }[]) {
  const known = waits.filter((wait) => wait.reason !== "parked");
  const best = known.reduce<{ ms: number | undefined; reason: WaitReason } | undefined>(
    (a, b) => (a && (a.ms ?? Number.POSITIVE_INFINITY) <= (b.ms ?? Number.POSITIVE_INFINITY) ? a : b),
    undefined,
  );
  return best ?? { ms: undefined, reason: "parked" as const };
}
