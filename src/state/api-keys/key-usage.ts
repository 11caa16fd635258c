import * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient, SERVER_TIME_FUNCTIONS } from "#src/redis/script.ts";
import { parseNamedReply } from "#src/redis/script-reply.ts";
import { parseStoredJson, toFieldMap } from "#src/redis/stored-json.ts";
import type { ApiKey } from "./api-key.ts";

const include = [SERVER_TIME_FUNCTIONS, new URL("key-usage.lua", import.meta.url)];
const integer = z.number().int();
const usedReply = {
  requests: integer,
  requestsResetMs: integer,
  tokens: integer,
  tokensResetMs: integer,
};
const spentReply = { spentToday: integer, spentInMonth: integer, reserved: integer };

const admitScript = defineScript(new URL("lua/admit-call.lua", import.meta.url), {
  include,
  keys: ["window", "tokens", "open", "amounts", "items", "usage"],
  args: [
    "id",
    "callTokens",
    "cost",
    "requestsPerMinute",
    "tokensPerMinute",
    "dailyBudget",
    "monthlyBudget",
    "windowMs",
    "leaseMs",
    "pendingMs",
  ],
  parse: parseNamedReply(
    z.object({
      refusedBy: z.enum(["", "requests", "tokens", "day", "month"]),
      waitMs: integer,
      now: integer,
      ...usedReply,
      ...spentReply,
    }),
  ),
});

const settleScript = defineScript(new URL("lua/settle-call.lua", import.meta.url), {
  include,
  keys: ["tokens", "open", "amounts", "items", "usage"],
  args: ["id", "callTokens", "cost"],
  parse: (reply) => integer.parse(reply) === 1,
});

const renewScript = defineScript(new URL("lua/renew-calls.lua", import.meta.url), {
  include,
  keys: ["open", "usage"],
  args: ["leaseMs"],
  parse: (reply) => integer.parse(reply),
});

const readScript = defineScript(new URL("lua/read-usage.lua", import.meta.url), {
  include,
  keys: ["window", "tokens", "usage"],
  args: ["windowMs"],
  parse: parseNamedReply(z.object({ ...usedReply, ...spentReply })),
});

const abandonedScript = defineScript(new URL("lua/list-abandoned-calls.lua", import.meta.url), {
  include,
  keys: ["open", "items", "usage"],
  args: ["leaseMs", "count"],
  parse: (reply) => z.array(z.string()).parse(reply),
});

const WINDOW_MS = 60_000;
/** Servers renew the leases of their calls several times in this time. */
export const CALL_LEASE_MS = 60_000;
/** When to ask again while calls in progress hold the rest of a budget. */
const PENDING_MS = 1_000;
/** As long as items live. */
const COUNTED_TTL_MS = 24 * 3600_000;
/** Reservations that are settled in one go. */
const MAX_ABANDONED = 1_000;
/** The call alone is more than is allowed. */
const CALL_TOO_LARGE = -2;
/** Amounts are counted in billionths of their currency. */
const UNITS = 1e9;

/** The most that a call may use. */
export interface CallDemand {
  readonly tokens: number;
  /** Undefined when the price of the model is unknown. */
  readonly cost: number | undefined;
}

export type RefusedBy = "requests" | "tokens" | "day" | "month";

/** How much of a limit of the last minute is used. */
export interface LimitUse {
  readonly limit: number;
  readonly remaining: number;
  /** Until nothing of it is used any more, without further calls. */
  readonly resetMs: number;
}

export interface AdmissionDecision {
  readonly refusedBy: RefusedBy | undefined;
  /** When to ask again; undefined when no wait helps. */
  readonly retryAfterMs: number | undefined;
  /** Absent without the limit. */
  readonly requests: LimitUse | undefined;
  readonly tokens: LimitUse | undefined;
}

/** What a key has spent, in the currency of its budgets; what is reserved for calls in progress is included. */
export interface KeySpending {
  readonly today: number;
  readonly month: number;
  readonly reserved: number;
}

export interface KeyUse extends Pick<AdmissionDecision, "requests" | "tokens"> {
  readonly spending: KeySpending;
}

const callItem = z.union([z.object({ item: z.string(), model: z.string() }), z.object({ batch: z.string() })]);
/** The standalone item, or the batch, that a reservation is for. */
export type CallItem = z.infer<typeof callItem>;

export interface AbandonedCall {
  readonly id: string;
  readonly item: CallItem;
}

/** Counts calls against the limits and budgets of API keys, over all servers. */
export class KeyUsage {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #leaseMs: number;

  constructor(client: RedisClient, keys: Keys, leaseMs = CALL_LEASE_MS) {
    this.#client = client;
    this.#keys = keys;
    this.#leaseMs = leaseMs;
  }

  /** Reserves what a call may use, in one step with the check of all limits and budgets. */
  async admit(key: ApiKey, id: string, { tokens, cost }: CallDemand): Promise<AdmissionDecision> {
    const { requestsPerMinute = -1, tokensPerMinute = -1, dailyBudget, monthlyBudget } = key;
    const reply = await admitScript.run(this.#client, this.#keys.apiKeyUsage(key.id), {
      id,
      callTokens: Math.ceil(Math.max(0, tokens)),
      cost: cost === undefined ? -1 : toUnits(cost, Math.ceil),
      requestsPerMinute,
      tokensPerMinute,
      dailyBudget: dailyBudget === undefined ? -1 : toUnits(dailyBudget, Math.floor),
      monthlyBudget: monthlyBudget === undefined ? -1 : toUnits(monthlyBudget, Math.floor),
      windowMs: WINDOW_MS,
      leaseMs: this.#leaseMs,
      pendingMs: PENDING_MS,
    });
    const refusedBy = reply.refusedBy === "" ? undefined : reply.refusedBy;
    return {
      refusedBy,
      retryAfterMs: refusedBy && findRetryAfter(refusedBy, reply),
      requests: toLimitUse(key.requestsPerMinute, reply.requests, reply.requestsResetMs),
      tokens: toLimitUse(key.tokensPerMinute, reply.tokens, reply.tokensResetMs),
    };
  }

  /** Ends a reservation with what the call used; what is not known of it counts as it was reserved. */
  async settle(keyId: string, id: string, { tokens, cost }: Partial<CallDemand>): Promise<void> {
    await settleScript.run(this.#client, this.#keys.apiKeyUsage(keyId), {
      id,
      callTokens: tokens === undefined ? -1 : Math.ceil(Math.max(0, tokens)),
      cost: cost === undefined ? -1 : toUnits(cost, Math.round),
    });
  }

  /** Keeps reservations from expiring. */
  async renew(keyId: string, ids: readonly string[]): Promise<void> {
    await renewScript.run(this.#client, this.#keys.apiKeyUsage(keyId), { leaseMs: this.#leaseMs }, ids);
  }

  /** Records which item makes the call of a reservation. */
  async attach(keyId: string, id: string, item: CallItem): Promise<void> {
    await this.#client.hset(this.#keys.apiKeyUsage(keyId).items, id, JSON.stringify(item));
  }

  /** False if the use of an item counts already: a request with an idempotency key may be sent several times. */
  async countOnce(keyId: string, itemId: string): Promise<boolean> {
    const key = this.#keys.apiKeyUsage(keyId).counted(itemId);
    return (await this.#client.set(key, 1, "PX", COUNTED_TTL_MS, "NX")) === "OK";
  }

  /** Open reservations whose servers have stopped to renew them. Others may list them again after a lease. */
  async listAbandoned(keyId: string): Promise<AbandonedCall[]> {
    const keys = this.#keys.apiKeyUsage(keyId);
    const args = { leaseMs: this.#leaseMs, count: MAX_ABANDONED };
    const found = await abandonedScript.run(this.#client, keys, args);
    return [...toFieldMap(found)].flatMap(([id, text]) => {
      const item = parseStoredJson({ client: this.#client, place: `${keys.items} ${id}` }, text, callItem);
      return item ? [{ id, item }] : [];
    });
  }

  async readUse(key: ApiKey): Promise<KeyUse> {
    const args = { windowMs: WINDOW_MS };
    const reply = await readScript.run(this.#client, this.#keys.apiKeyUsage(key.id), args);
    return {
      requests: toLimitUse(key.requestsPerMinute, reply.requests, reply.requestsResetMs),
      tokens: toLimitUse(key.tokensPerMinute, reply.tokens, reply.tokensResetMs),
      spending: {
        today: reply.spentToday / UNITS,
        month: reply.spentInMonth / UNITS,
        reserved: reply.reserved / UNITS,
      },
    };
  }
}

function toUnits(amount: number, round: (value: number) => number): number {
  // The product of a decimal fraction is rarely whole: 0.1 * 3e9 must not become 300000001 when it is rounded up.
  return Math.max(0, round(Number((amount * UNITS).toFixed(3))));
}

function toLimitUse(limit: number | undefined, used: number, resetMs: number): LimitUse | undefined {
  return limit === undefined ? undefined : { limit, remaining: Math.max(0, limit - used), resetMs };
}

function findRetryAfter(refusedBy: RefusedBy, reply: { waitMs: number; now: number }): number | undefined {
  if (reply.waitMs >= 0) return reply.waitMs;
  if (reply.waitMs === CALL_TOO_LARGE) return undefined;
  const now = new Date(reply.now);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  if (refusedBy === "day") return Date.UTC(year, month, day + 1) - reply.now;
  return Date.UTC(year, month + 1, 1) - reply.now;
}
