import { z } from "zod";
import type { LimitDimension } from "#src/core/failures/errors.ts";
import { type LimitWindow, RATE_LIMITS } from "#src/core/lane.ts";
import { defineScript, SERVER_TIME_FUNCTIONS } from "#src/redis/script.ts";
import { parseNamedReply } from "#src/redis/script-reply.ts";
import { WAIT_REASONS } from "./limiter.ts";

const LANE_KEYS = ["window", "costs", "flight", "recent", "long", "state"] as const;
/** Allowed per minute, in flight, and per other window; 0 means that no limit is known. */
const LIMIT_ARGS = [
  "requests",
  "tokens",
  "concurrency",
  "requestsPerSecond",
  "requestsPerHour",
  "requestsPerDay",
  "tokensPerSecond",
  "tokensPerHour",
  "tokensPerDay",
] as const;
export type LimitArgs = Readonly<Record<(typeof LIMIT_ARGS)[number], number>>;

const include = [SERVER_TIME_FUNCTIONS, new URL("lane-state.lua", import.meta.url)];
const integer = z.number().int();
/** Redis stores numbers as text. */
const storedNumber = z.coerce.number().optional();

const reserveReply = z.object({
  granted: integer,
  now: integer,
  /** Empty when all were granted. */
  reason: z.enum(["", ...WAIT_REASONS]),
  /** -1 when only the end of another call helps. */
  waitMs: integer,
  detail: z.string(),
});

/** Names of limits in scripts: "requests" for a minute, "requests:day" for another window. */
export function toLimitKey({
  dimension,
  window,
}: {
  readonly dimension: LimitDimension;
  readonly window: LimitWindow;
}) {
  return window === "minute" || dimension === "concurrency" ? dimension : (`${dimension}:${window}` as const);
}
export type LimitKey = ReturnType<typeof toLimitKey>;
const LIMIT_KEYS: readonly LimitKey[] = [...RATE_LIMITS.map(toLimitKey), "concurrency"];

const hangReport = z.object({ calls: integer, limitMs: integer, usualMs: integer, aborted: integer });
const statusReply = z.object({
  snoozeMs: integer,
  throttles: integer,
  faultStreak: integer,
  minuteFreesMs: integer.optional(),
  parked: z.string().optional(),
  pauseReason: z.string().optional(),
  hanging: z
    .string()
    .transform((text) => hangReport.parse(JSON.parse(text)))
    .optional(),
});
export type StatusReply = z.infer<typeof statusReply> & {
  readonly limits: Readonly<Record<LimitKey, z.infer<typeof limitReply>>>;
};
const limitReply = z.object({
  used: z.coerce.number(),
  learned: storedNumber,
  manual: storedNumber,
  reported: storedNumber,
  quota: storedNumber,
  quotaLeft: storedNumber,
  quotaResetMs: storedNumber,
});
const parseStatusFields = parseNamedReply(z.record(z.string(), z.unknown()));

function parseStatus(reply: unknown): StatusReply {
  const fields = parseStatusFields(reply);
  const ofLimit = (key: LimitKey) => ({
    used: fields[key],
    ...Object.fromEntries(
      ["learned", "manual", "reported", "quota", "quotaLeft", "quotaResetMs"].map((name) => [
        name,
        fields[`${name}:${key}`],
      ]),
    ),
  });
  const limits = Object.fromEntries(LIMIT_KEYS.map((key) => [key, limitReply.parse(ofLimit(key))]));
  return { ...statusReply.parse(fields), limits: limits as StatusReply["limits"] };
}

/** The fault streak, and 1 when the lane has a history. */
const settleReply = z.tuple([integer, integer]);

export const reserveScript = defineScript(new URL("lua/reserve.lua", import.meta.url), {
  include,
  keys: LANE_KEYS,
  args: [
    "windowMs",
    "secondMs",
    ...LIMIT_ARGS,
    "even",
    "transitMs",
    "leaseMs",
    "outageStreak",
    "prefix",
    "interactive",
    "holdMs",
    "maxPauseMs",
    "yieldMs",
    "soloMs",
    "firstCalls",
  ],
  parse: parseNamedReply(reserveReply),
});

export const settleScript = defineScript(new URL("lua/settle.lua", import.meta.url), {
  include,
  keys: LANE_KEYS,
  args: ["outageStreak", "parkAfterMs", "newLaneParkAfterMs", "windowMs", "transitMs"],
  parse: (reply) => {
    const [faultStreak, hasHistory] = settleReply.parse(reply);
    return { faultStreak, hasHistory: hasHistory === 1 };
  },
});

export const throttleScript = defineScript(new URL("lua/throttle.lua", import.meta.url), {
  include,
  keys: LANE_KEYS,
  args: ["dimension", "ofWindow", "retryAfter", "grantedAt", "reason", "windowMs", "secondMs", ...LIMIT_ARGS],
  parse: (reply) => ({ waitMs: integer.parse(reply) }),
});

export const reportScript = defineScript(new URL("lua/report.lua", import.meta.url), {
  include,
  keys: ["window", "state"],
  args: ["windowMs"],
  parse: () => undefined,
});

export const statusScript = defineScript(new URL("lua/status.lua", import.meta.url), {
  include,
  keys: LANE_KEYS,
  args: ["windowMs", "secondMs"],
  parse: parseStatus,
});

export const renewScript = defineScript(new URL("lua/renew.lua", import.meta.url), {
  include,
  keys: ["flight", "state"],
  args: ["leaseMs", "windowMs"],
  parse: () => undefined,
});

export const reportHangingScript = defineScript(new URL("lua/report-hanging.lua", import.meta.url), {
  include,
  keys: ["state"],
  args: ["worker", "calls", "limitMs", "usualMs", "aborted"],
  parse: () => undefined,
});

export const parkScript = defineScript(new URL("lua/park.lua", import.meta.url), {
  include,
  keys: ["state"],
  args: ["reason"],
  parse: () => undefined,
});

export const unparkScript = defineScript(new URL("lua/unpark.lua", import.meta.url), {
  include,
  keys: ["state"],
  args: [],
  parse: () => undefined,
});

export const setLimitsScript = defineScript(new URL("lua/set-limits.lua", import.meta.url), {
  include,
  keys: ["state"],
  args: ["clear"],
  parse: () => undefined,
});
