import { coerceError } from "#src/core/failures/errors.ts";
import type { Principal } from "#src/dashboard/auth/session-token.ts";
import type { ErrorCode, RefusalReason } from "#src/dashboard/http/error-api.ts";
import { toHttpError } from "#src/dashboard/http/to-http-error.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import type { AuditEntry, AuditPage } from "./audit-api.ts";

const MAX_ENTRIES = 10_000;
const RETENTION_MS = 90 * 24 * 3600_000;
const MAX_DETAIL = 300;

export interface AuditedAction {
  /** "pause", "retry", "set-limit" */
  readonly action: string;
  /** A run, an item of a run, or a lane. */
  readonly target?: string;
  /** Numbers and options of the action; never a text of an item. */
  readonly detail?: string;
  /** Why it was refused; absent when it was carried out. */
  readonly refusalReason?: RefusalReason | ErrorCode;
}

type Actor = Pick<Principal, "userName" | "role">;

/** Who did what to what, and when: a Redis stream of the latest 10,000 actions within 90 days. */
export class Audit {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#key = keys.audit;
  }

  /** Resolves with the entry's id when Redis has it. Actions wait for it, so that none goes unrecorded. */
  async record({ userName, role }: Actor, auditedAction: AuditedAction): Promise<string> {
    const { action, target, detail, refusalReason } = auditedAction;
    const fields = {
      who: userName,
      role,
      action,
      target,
      detail: detail?.slice(0, MAX_DETAIL),
      refused: refusalReason,
    };
    const pairs = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
    const id = String(await this.#client.xadd(this.#key, "MAXLEN", "~", MAX_ENTRIES, "*", ...pairs));
    const pipeline = this.#client.pipeline();
    pipeline.xtrim(this.#key, "MINID", getOldestRetainedId(parseEntryTime(id)));
    pipeline.pexpire(this.#key, RETENTION_MS);
    await pipeline.exec();
    return id;
  }

  /**
   * Records an action, then performs it: a server that is killed in between has recorded too much, never too little. If
   * the action is refused, its entry is replaced by one that says so.
   */
  async runAudited<T>(
    breaker: RedisCircuitBreaker,
    actor: Actor,
    auditedAction: AuditedAction,
    work: () => Promise<T>,
  ): Promise<T> {
    const id = await breaker.run(() => this.record(actor, auditedAction));
    try {
      return await work();
    } catch (error) {
      const { code, reason, status } = toHttpError(coerceError(error));
      if (status < 500) {
        // The client gets the refusal even if its audit entry cannot be written.
        await breaker
          .run(() => this.record(actor, { ...auditedAction, refusalReason: reason ?? code }))
          .then(() => breaker.run(() => this.#client.xdel(this.#key, id)))
          .catch(() => undefined);
      }
      throw error;
    }
  }

  /** Newest entries first; `before` is the `next` of an earlier page. */
  async read(limit: number, before?: string): Promise<AuditPage> {
    const from = before === undefined ? "+" : `(${before}`;
    const now = await readServerTime(this.#client);
    // Entries are only trimmed when one is added, so older ones may still exist.
    const entries = await this.#client.xrevrange(this.#key, from, getOldestRetainedId(now), "COUNT", limit);
    const lines = entries.map(([id, fields]) => parseEntry(id, fields));
    return { lines, next: lines.length === limit ? lines.at(-1)?.id : undefined };
  }
}

function getOldestRetainedId(now: number): string {
  return `${Math.max(0, now - RETENTION_MS)}-0`;
}

function parseEntryTime(id: string): number {
  return Number(id.split("-")[0]);
}

function parseEntry(id: string, fields: readonly string[]): AuditEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const refusalReason = values.get("refused");
  return {
    id,
    at: parseEntryTime(id),
    userName: values.get("who") ?? "",
    role: values.get("role") === "operator" ? "operator" : "viewer",
    action: values.get("action") ?? "",
    target: values.get("target"),
    detail: values.get("detail"),
    outcome: refusalReason === undefined ? undefined : "refused",
    // Not checked: pages show a reason that they do not know as it is.
    reason: refusalReason as AuditEntry["reason"],
  };
}
