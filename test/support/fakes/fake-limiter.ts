import type { Clock } from "#src/core/clock.ts";
import { formatLane, type Lane, OUTAGE_STREAK } from "#src/core/lane.ts";
import type { Limiter, Reservation, ReserveReply } from "#src/limiter/limiter.ts";

const WINDOW_MS = 60_000;

interface FakeLane {
  /** Reservation ID -> time of the grant (epoch ms). */
  readonly grants: Map<string, number>;
  readonly inFlight: Set<string>;
  pausedUntil: number;
  parked: string | undefined;
  faults: number;
  outages: number;
  hasHistory: boolean;
}

/**
 * An in-memory `Limiter` for tests: requests per minute, concurrency, snoozing, parking, and single probes during an
 * outage. It has no tokens, pacing, learned or manual limits, leases, or priorities.
 */
export function createFakeLimiter(clock: Clock): Limiter {
  const lanes = new Map<string, FakeLane>();
  let nextId = 1;
  const getLane = (lane: Lane): FakeLane => {
    const name = formatLane(lane);
    const state = lanes.get(name) ?? {
      grants: new Map(),
      inFlight: new Set(),
      pausedUntil: 0,
      parked: undefined,
      faults: 0,
      outages: 0,
      hasHistory: false,
    };
    lanes.set(name, state);
    return state;
  };
  const recentGrants = (lane: FakeLane) => [...lane.grants.values()].filter((at) => at + WINDOW_MS > clock.now());
  const findWait = (lane: FakeLane, requestsPerMinute = Infinity, concurrency = Infinity): ReserveReply["wait"] => {
    if (lane.parked !== undefined) return { reason: "parked", detail: lane.parked };
    if (lane.pausedUntil > clock.now()) return { reason: "snoozed", waitMs: lane.pausedUntil - clock.now() };
    if (lane.inFlight.size >= (lane.faults >= OUTAGE_STREAK ? 1 : concurrency)) return { reason: "concurrency" };
    const blocking = recentGrants(lane).at(-requestsPerMinute);
    return blocking === undefined ? undefined : { reason: "requests", waitMs: blocking + WINDOW_MS - clock.now() };
  };
  const recordFault = (lane: FakeLane) => {
    lane.faults += 1;
    if (lane.faults < OUTAGE_STREAK || lane.pausedUntil > clock.now()) return;
    lane.pausedUntil = clock.now() + Math.min(30_000, 1_000 * 2 ** lane.outages);
    lane.outages += 1;
  };

  return {
    async reserve(name, { requestsPerMinute, concurrency }, estimates) {
      const lane = getLane(name);
      const granted: Reservation[] = [];
      while (granted.length < estimates.length) {
        const wait = findWait(lane, requestsPerMinute, concurrency);
        if (wait) return { granted, wait };
        const reservation = { id: `fake:${nextId++}`, grantedAt: clock.now() };
        lane.grants.set(reservation.id, reservation.grantedAt);
        lane.inFlight.add(reservation.id);
        granted.push(reservation);
      }
      return { granted };
    },
    async settle(name, settlements) {
      const lane = getLane(name);
      for (const { id, outcome } of settlements) {
        if (!lane.inFlight.delete(id)) continue;
        if (outcome === "ok") Object.assign(lane, { faults: 0, outages: 0, hasHistory: true });
        if (outcome === "unsent") lane.grants.delete(id);
        if (outcome === "fault" || (outcome === "suspect" && lane.faults >= OUTAGE_STREAK)) recordFault(lane);
      }
      return { faultStreak: lane.faults, hasHistory: lane.hasHistory };
    },
    async throttle(name, _limits, { retryAfterMs = 500 }) {
      const lane = getLane(name);
      lane.pausedUntil = Math.max(lane.pausedUntil, clock.now() + retryAfterMs);
      return { waitMs: lane.pausedUntil - clock.now() };
    },
    async park(name, reason) {
      Object.assign(getLane(name), { parked: reason, hasHistory: true });
    },
    async unpark(name) {
      getLane(name).parked = undefined;
    },
    renew: async () => undefined,
    report: async () => undefined,
    reportHanging: async () => undefined,
    async status(name) {
      const lane = getLane(name);
      return {
        state: lane.parked !== undefined ? "parked" : lane.pausedUntil > clock.now() ? "snoozed" : "open",
        requests: { used: recentGrants(lane).length },
        tokens: { used: 0 },
        concurrency: { used: lane.inFlight.size },
        windows: [],
        throttles: 0,
        faultStreak: lane.faults,
      };
    },
    setLimits: async () => undefined,
    clearLimits: async () => undefined,
  };
}
