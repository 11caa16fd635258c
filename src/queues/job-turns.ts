import * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { CALLS_PER_JOB, type JobPayload } from "./payload.ts";

const assignScript = defineScript(new URL("lua/assign-turns.lua", import.meta.url), {
  keys: ["prioritized", "tenants"],
  args: ["maxPriority", "ttlMs"],
  parse: (reply) => z.array(z.number()).parse(reply),
});

/** The highest priority that BullMQ accepts. */
const MAX_PRIORITY = 2 ** 21 - 1;
const TTL_MS = 24 * 3600_000;
/** How long it is remembered whether tenants have jobs in a queue. */
const CHECK_INTERVAL_MS = 1_000;
/** Takes the place of a tenant for jobs of the operator, such as those of `sluice embed`. */
const OPERATOR = { id: "", weight: 1 };

/**
 * The places of new jobs in one queue. Without tenants, jobs have no priority, and BullMQ serves them in the order in which they
 * came, before all others. So as soon as tenants have jobs in the queue, the operator's jobs take turns with them.
 */
export class JobTurns {
  readonly #client: RedisClient;
  readonly #keys: ReturnType<Keys["queueTurns"]>;
  readonly #now: () => number;
  #hasTenants = false;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(client: RedisClient, keys: Keys, queue: string, now: () => number = () => performance.now()) {
    this.#client = client;
    this.#keys = keys.queueTurns(queue);
    this.#now = now;
  }

  /** The priorities of jobs, in their order; undefined for none. */
  async assign(payloads: readonly JobPayload[]): Promise<readonly (number | undefined)[]> {
    const isOfTenant = payloads.some(({ tenant }) => tenant !== undefined);
    if (!isOfTenant && !this.#hasTenants) {
      this.#check();
      return payloads.map(() => undefined);
    }
    if (!isOfTenant) this.#check();
    const rest = payloads.flatMap((payload) => {
      const { id, weight } = payload.tenant ?? OPERATOR;
      return [id, weight, measureSize(payload)];
    });
    return await assignScript.run(this.#client, this.#keys, { maxPriority: MAX_PRIORITY, ttlMs: TTL_MS }, rest);
  }

  /** Not awaited, so that the operator's jobs need no further round trip. */
  #check(): void {
    const now = this.#now();
    if (now - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = now;
    this.#client.zcard(this.#keys.prioritized).then(
      (count) => {
        this.#hasTenants = count > 0;
      },
      () => undefined,
    );
  }
}

/** In relation to a job of a run. */
function measureSize({ kind, items }: JobPayload): number {
  return kind === "chat" ? items.length / CALLS_PER_JOB : 1;
}
