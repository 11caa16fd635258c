import { z } from "zod";
import { defineScript } from "#src/redis/script.ts";
import { parseNamedReply } from "#src/redis/script-reply.ts";
import { WAIT_REASONS } from "./limiter.ts";

const include = new URL("lane-state.lua", import.meta.url);
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

const statusReply = z.object({
  requests: integer,
  tokens: integer,
  concurrency: integer,
  snoozeMs: integer,
  throttles: integer,
  faultStreak: integer,
  minuteFreesMs: integer.optional(),
  parked: z.string().optional(),
  pauseReason: z.string().optional(),
  "learned:requests": storedNumber,
  "learned:tokens": storedNumber,
  "learned:concurrency": storedNumber,
  "manual:requests": storedNumber,
  "manual:tokens": storedNumber,
  "manual:concurrency": storedNumber,
  "reported:requests": storedNumber,
  "reported:tokens": storedNumber,
  "quota:requests": storedNumber,
  "quota:tokens": storedNumber,
  "quotaLeft:requests": storedNumber,
  "quotaLeft:tokens": storedNumber,
  "quotaResetMs:requests": storedNumber,
  "quotaResetMs:tokens": storedNumber,
});
export type StatusReply = z.infer<typeof statusReply>;

/** The fault streak, and 1 when the lane has a history. */
const settleReply = z.tuple([integer, integer]);

export const reserveScript = defineScript(new URL("lua/reserve.lua", import.meta.url), {
  include,
  keys: ["window", "costs", "flight", "state"],
  args: [
    "windowMs",
    "requests",
    "tokens",
    "concurrency",
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
  ],
  parse: parseNamedReply(reserveReply),
});

export const settleScript = defineScript(new URL("lua/settle.lua", import.meta.url), {
  include,
  keys: ["window", "costs", "flight", "state"],
  args: ["outageStreak", "parkAfterMs", "newLaneParkAfterMs"],
  parse: (reply) => {
    const [faultStreak, hasHistory] = settleReply.parse(reply);
    return { faultStreak, hasHistory: hasHistory === 1 };
  },
});

export const throttleScript = defineScript(new URL("lua/throttle.lua", import.meta.url), {
  include,
  keys: ["window", "flight", "state"],
  args: ["dimension", "limit", "retryAfter", "grantedAt", "windowMs", "reason"],
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
  keys: ["window", "costs", "flight", "state"],
  args: ["windowMs"],
  parse: parseNamedReply(statusReply),
});

export const renewScript = defineScript(new URL("lua/renew.lua", import.meta.url), {
  include,
  keys: ["flight", "state"],
  args: ["leaseMs", "windowMs"],
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
