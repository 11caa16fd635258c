import { randomBytes } from "node:crypto";
import type { LaneLimits } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import {
  clampToWholeNumber,
  INTERACTIVE_HOLD_MS,
  INTERACTIVE_MAX_WAIT_MS,
  type LaneStatus,
  LIMITER_DEFAULTS,
  type Limiter,
  type LimiterOptions,
  type LimitUsage,
  NEW_LANE_OUTAGE_PARK_MS,
  OUTAGE_PARK_MS,
  type Reservation,
  type ReserveReply,
  type Settlement,
  type Throttle,
  type WaitReason,
  WINDOW_MARGIN_MS,
  YIELD_RETRY_MS,
} from "./limiter.ts";

const reserveScript = defineScript(new URL("lua/reserve.lua", import.meta.url), {
  keys: ["window", "costs", "flight", "state"],
  args: [
    "windowMs",
    "requests",
    "tokens",
    "concurrency",
    "even",
    "transitMs",
    "leaseMs",
    "prefix",
    "interactive",
    "holdMs",
    "pauseMs",
    "yieldMs",
  ],
  parse: (reply) => reply as [granted: number, now: number, reason: string, waitMs: number, detail: string],
});

const settleScript = defineScript(new URL("lua/settle.lua", import.meta.url), {
  keys: ["window", "costs", "flight", "state"],
  args: ["outageMs", "newLaneMs"],
  parse: (reply) => ({ faultStreak: Number((reply as [number])[0]) }),
});

const throttleScript = defineScript(new URL("lua/throttle.lua", import.meta.url), {
  keys: ["window", "flight", "state"],
  args: ["dimension", "limit", "retryAfter", "grantedAt", "windowMs"],
  parse: (reply) => ({ waitMs: Number((reply as [number])[0]) }),
});

const statusScript = defineScript(new URL("lua/status.lua", import.meta.url), {
  keys: ["window", "costs", "flight", "state"],
  args: ["windowMs"],
  parse: (reply) => reply as (string | number)[],
});

const renewScript = defineScript(new URL("lua/renew.lua", import.meta.url), {
  keys: ["flight", "state"],
  args: ["leaseMs", "windowMs"],
  parse: () => undefined,
});

const unparkScript = defineScript(new URL("lua/unpark.lua", import.meta.url), {
  keys: ["state"],
  args: [],
  parse: () => undefined,
});

const setLimitsScript = defineScript(new URL("lua/set-limits.lua", import.meta.url), {
  keys: ["state"],
  args: ["clear"],
  parse: () => undefined,
});

/** The limiter shared by every worker on one Redis; state per lane, on Redis's clock. */
export function createRedisLimiter(client: RedisClient, keys: Keys, options: LimiterOptions = {}): Limiter {
  const { windowMs, transitMs, leaseMs } = { ...LIMITER_DEFAULTS, ...omitUndefined(options ?? {}) };
  const windowWithMargin = windowMs + WINDOW_MARGIN_MS;

  return {
    async reserve(lane, limits, estimates, interactive = 0) {
      const prefix = randomBytes(9).toString("base64url");
      const [granted, now, reason, waitMs, detail] = await reserveScript.run(
        client,
        keys.lane(lane),
        {
          windowMs: windowWithMargin,
          ...limitArgs(limits),
          even: limits.pacing === "even" ? 1 : 0,
          transitMs,
          leaseMs,
          prefix,
          interactive,
          holdMs: INTERACTIVE_HOLD_MS,
          pauseMs: INTERACTIVE_MAX_WAIT_MS,
          yieldMs: YIELD_RETRY_MS,
        },
        estimates.map(clampToWholeNumber),
      );
      return parseReserve(prefix, granted, now, reason, waitMs, detail);
    },

    settle: (lane, settlements) =>
      settleScript.run(
        client,
        keys.lane(lane),
        { outageMs: OUTAGE_PARK_MS, newLaneMs: NEW_LANE_OUTAGE_PARK_MS },
        settlements.flatMap(({ id, outcome, tokens, answeredAgoMs = 0 }: Settlement) => [
          id,
          outcome,
          tokens === undefined || !Number.isFinite(tokens) ? -1 : clampToWholeNumber(tokens),
          Math.floor(Math.max(0, answeredAgoMs)),
        ]),
      ),

    throttle: (lane, limits, { dimension, retryAfterMs, grantedAt }: Throttle) => {
      const configured = limitArgs(limits)[dimension];
      return throttleScript.run(client, keys.lane(lane), {
        dimension,
        limit: configured,
        retryAfter: retryAfterMs === undefined || Number.isNaN(retryAfterMs) ? -1 : clampToWholeNumber(retryAfterMs),
        grantedAt,
        windowMs: windowWithMargin,
      });
    },

    async park(lane, reason) {
      await client.hset(keys.lane(lane).state, "parked", reason);
      await client.pexpire(keys.lane(lane).state, 7 * 24 * 3600_000);
    },

    unpark: (lane) => unparkScript.run(client, keys.lane(lane), {}),

    async renew(lane, ids) {
      if (ids.length === 0) return;
      await renewScript.run(client, keys.lane(lane), { leaseMs, windowMs: windowWithMargin }, ids);
    },

    async status(lane, limits) {
      const reply = await statusScript.run(client, keys.lane(lane), { windowMs: windowWithMargin });
      return parseStatus(reply, limits);
    },

    setLimits: (lane, limits) => {
      const { requests, tokens, concurrency } = limitArgs(limits);
      const pairs = Object.entries({ Requests: requests, Tokens: tokens, Concurrency: concurrency });
      return setLimitsScript.run(client, keys.lane(lane), { clear: 0 }, pairs.filter(([, limit]) => limit > 0).flat());
    },

    clearLimits: (lane) => setLimitsScript.run(client, keys.lane(lane), { clear: 1 }),
  };
}

function limitArgs(limits: LaneLimits) {
  return {
    requests: limits.requestsPerMinute ?? 0,
    tokens: limits.tokensPerMinute ?? 0,
    concurrency: limits.concurrency ?? 0,
  };
}

function parseReserve(
  prefix: string,
  granted: number,
  now: number,
  reason: string,
  waitMs: number,
  detail: string,
): ReserveReply {
  const reservations: Reservation[] = Array.from({ length: granted }, (_, i) => ({
    id: `${prefix}:${i + 1}`,
    grantedAt: now,
  }));
  if (reason === "") return { granted: reservations };
  return {
    granted: reservations,
    wait: {
      reason: reason as WaitReason,
      waitMs: waitMs >= 0 ? waitMs : undefined,
      detail: detail === "" ? undefined : detail,
    },
  };
}

function parseStatus(reply: readonly (string | number)[], limits: LaneLimits): LaneStatus {
  const [
    requests,
    tokens,
    inFlight,
    snooze,
    parked,
    reason,
    learnedR,
    learnedT,
    learnedC,
    throttles,
    faults,
    setR,
    setT,
    setC,
  ] = reply;
  const snoozeMs = Number(snooze);
  const state = parked !== "" ? "parked" : snoozeMs > 0 ? "snoozed" : "open";
  const why = state === "parked" ? parked : state === "snoozed" ? reason : "";
  return {
    state,
    snoozeMs: state === "snoozed" ? snoozeMs : undefined,
    reason: why ? String(why) : undefined,
    requests: limitUsage(requests, limits.requestsPerMinute, learnedR, setR),
    tokens: limitUsage(tokens, limits.tokensPerMinute, learnedT, setT),
    concurrency: limitUsage(inFlight, limits.concurrency, learnedC, setC),
    throttles: Number(throttles),
    faultStreak: Number(faults),
  };
}

function limitUsage(
  used: string | number | undefined,
  configured: number | undefined,
  learned: unknown,
  set: string | number | undefined,
): LimitUsage {
  const isSet = set !== undefined && set !== "";
  const allowed = isSet ? Number(set) : configured;
  return {
    used: Number(used),
    allowed,
    set: isSet ? (true as const) : undefined,
    learned: isBelow(learned, allowed) ? Math.floor(Number(learned)) : undefined,
  };
}

function isBelow(learned: unknown, allowed: number | undefined): boolean {
  return learned !== "" && learned !== undefined && (allowed === undefined || Number(learned) < allowed);
}
