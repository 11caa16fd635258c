import { coerceError } from "#src/core/errors.ts";
import type { Role } from "#src/dashboard/auth/session-api.ts";
import { toHttpError } from "#src/dashboard/create-server.ts";
import type { ErrorCode, RefusalReason } from "#src/dashboard/http/error-api.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import type { AuditEntry, AuditPage } from "./audit-api.ts";

/** Lines kept; older ones go. */
const MAX_ENTRIES = 10_000;
const RETENTION_MS = 90 * 24 * 3600_000;
const MAX_DETAIL = 300;

export interface AuditedAction {
  /** "pause", "retry", "set-limit" */
  readonly action: string;
  /** A run, an item of a run, a lane. */
  readonly target?: string;
  /** Figures that were given; never a text of an item. */
  readonly detail?: string;
  /** Why it was refused; absent for what was done. */
  readonly refusalReason?: RefusalReason | ErrorCode;
}

/** Who did what when to what: a stream in Redis of the latest 10,000 acts, none of them older than 90 days. */
export class Audit {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#key = keys.audit;
  }

  /** Resolves with the line's id when it is in Redis; acts wait for it, so that none goes unnoted. */
  async record(
    principal: { readonly userName: string; readonly role: Role },
    auditedAction: AuditedAction,
  ): Promise<string> {
    const { action, target, detail, refusalReason } = auditedAction;
    const id = await this.#client.xadd(
      this.#key,
      "MAXLEN",
      "~",
      MAX_ENTRIES,
      "*",
      "who",
      principal.userName,
      "role",
      principal.role,
      "action",
      action,
      ...(target === undefined ? [] : ["target", target]),
      ...(detail === undefined ? [] : ["detail", detail.slice(0, MAX_DETAIL)]),
      ...(refusalReason === undefined ? [] : ["refused", refusalReason]),
    );
    const pipeline = this.#client.pipeline();
    pipeline.xtrim(this.#key, "MINID", getOldestRetainedId(parseEntryTime(String(id))));
    pipeline.pexpire(this.#key, RETENTION_MS);
    await pipeline.exec();
    return String(id);
  }

  /**
   * Notes an act, then does it: a server that is killed between the two has noted too much, never too little. A line of
   * an act that is refused is replaced by one that says so.
   */
  async runAudited<T>(
    breaker: RedisCircuitBreaker,
    principal: { readonly userName: string; readonly role: Role },
    auditedAction: AuditedAction,
    work: () => Promise<T>,
  ): Promise<T> {
    const id = await breaker.run(() => this.record(principal, auditedAction));
    try {
      return await work();
    } catch (error) {
      const { code, reason, status } = toHttpError(coerceError(error));
      if (status < 500) {
        // Whoever asked is told of the refusal, also when its line cannot be written.
        await breaker
          .run(() => this.record(principal, { ...auditedAction, refusalReason: reason ?? code }))
          .then(() => breaker.run(() => this.#client.xdel(this.#key, id)))
          .catch(() => undefined);
      }
      throw error;
    }
  }

  /** The newest lines first; `before` is an earlier page's `next`. */
  async read(limit: number, before?: string): Promise<AuditPage> {
    const from = before === undefined ? "+" : `(${before}`;
    const now = await readServerTime(this.#client);
    // Where nobody has done anything since, nothing has been trimmed.
    const entries = await this.#client.xrevrange(this.#key, from, getOldestRetainedId(now), "COUNT", limit);
    const lines = entries.map(([id, fields]) => toAuditEntry(id, fields));
    const last = lines.at(-1)?.id;
    return { lines, next: lines.length === limit && last !== undefined ? last : undefined };
  }
}

function getOldestRetainedId(now: number): string {
  return `${Math.max(0, now - RETENTION_MS)}-0`;
}

function parseEntryTime(id: string): number {
  return Number(id.split("-")[0]);
}

function toAuditEntry(id: string, fields: readonly string[]): AuditEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const [target, detail, refusalReason] = [values.get("target"), values.get("detail"), values.get("refused")];
  return {
    id,
    at: parseEntryTime(id),
    userName: values.get("who") ?? "",
    role: values.get("role") === "operator" ? "operator" : "viewer",
    action: values.get("action") ?? "",
    target,
    detail,
    ...(refusalReason === undefined ? {} : { outcome: "refused", reason: refusalReason as RefusalReason | ErrorCode }),
  };
}
