import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { Limiter, Reservation, WaitReason } from "#src/limiter/limiter.ts";

/** A lane that this worker can use: its limits and its model. */
export interface ModelLane<M> {
  readonly lane: Lane;
  readonly limits: LaneLimits;
  readonly model: M;
  /** Undefined when it is unknown. */
  readonly price?: TokenPrice;
}

export interface Grant<M> {
  readonly lane: ModelLane<M>;
  readonly reservation: Reservation;
}

interface LaneWait {
  /** Undefined when only the end of another call helps. */
  readonly ms: number | undefined;
  readonly reason: WaitReason;
}

export interface LaneReservations<M> {
  readonly grants: readonly Grant<M>[];
  /** Set when fewer were granted than requested: the shortest wait of any lane. */
  readonly wait?: LaneWait;
  /** Every lane is parked: nothing is granted until a user fixes the problem and unparks a lane. */
  readonly areAllParked: boolean;
}

/** Reserves on the lanes of a model, starting with another lane each time, so that accounts share the work. */
export class LaneChooser<M> {
  readonly #limiter: Limiter;
  readonly #lanes: readonly ModelLane<M>[];
  #next = 0;

  constructor(limiter: Limiter, lanes: readonly ModelLane<M>[]) {
    this.#limiter = limiter;
    this.#lanes = lanes;
  }

  get models(): readonly M[] {
    return this.#lanes.map(({ model }) => model);
  }

  /** The first `interactiveCount` of the calls are interactive. */
  async reserve(estimates: readonly number[], interactiveCount = 0): Promise<LaneReservations<M>> {
    const grants: Grant<M>[] = [];
    const waits: LaneWait[] = [];
    const start = this.#next++;
    for (let i = 0; i < this.#lanes.length && grants.length < estimates.length; i++) {
      const lane = this.#lanes[(start + i) % this.#lanes.length];
      if (!lane) continue;
      const reply = await this.#limiter
        .reserve(lane.lane, lane.limits, estimates.slice(grants.length), Math.max(0, interactiveCount - grants.length))
        .catch((error: unknown) => {
          // Grants of other lanes must be used: they count in their lanes' windows.
          if (grants.length === 0) throw error;
          return undefined;
        });
      if (!reply) break;
      grants.push(...reply.granted.map((reservation) => ({ lane, reservation })));
      if (reply.wait) waits.push({ ms: reply.wait.waitMs, reason: reply.wait.reason });
    }
    const areAllParked = waits.length === this.#lanes.length && waits.every((wait) => wait.reason === "parked");
    if (grants.length === estimates.length) return { grants, areAllParked: false };
    return { grants, wait: findShortestWait(waits), areAllParked };
  }
}

function findShortestWait(waits: readonly LaneWait[]): LaneWait {
  const [shortest = { ms: undefined, reason: "parked" }] = waits
    .filter(({ reason }) => reason !== "parked")
    .sort((a, b) => (a.ms ?? Number.MAX_VALUE) - (b.ms ?? Number.MAX_VALUE));
  return shortest;
}
