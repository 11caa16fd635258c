import { coerceError } from "../core/errors.ts";
import { readServerTime } from "../queue/server-time.ts";
import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import type { AuditLine, AuditPage, ErrorCode, Reason, Role } from "./contract.ts";
import { toHttpError } from "./create-server.ts";
import type { RedisGate } from "./look/redis-gate.ts";

/** Lines kept; older ones go. */
const MAX_LINES = 10_000;
const KEEP_MS = 90 * 24 * 3600_000;
const MAX_DETAIL = 300;

export interface AuditedAct {
  /** "pause", "retry", "set-limit" */
  readonly action: string;
  /** A run, an item of a run, a lane. */
  readonly target?: string;
  /** Figures that were given; never a text of an item. */
  readonly detail?: string;
  /** Why it was refused; absent for what was done. */
  readonly refused?: Reason | ErrorCode;
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
  async note(person: { readonly who: string; readonly role: Role }, act: AuditedAct): Promise<string> {
    const { action, target, detail, refused } = act;
    const id = await this.#client.xadd(
      this.#key,
      "MAXLEN",
      "~",
      MAX_LINES,
      "*",
      "who",
      person.who,
      "role",
      person.role,
      "action",
      action,
      ...(target === undefined ? [] : ["target", target]),
      ...(detail === undefined ? [] : ["detail", detail.slice(0, MAX_DETAIL)]),
      ...(refused === undefined ? [] : ["refused", refused]),
    );
    const pipeline = this.#client.pipeline();
    pipeline.xtrim(this.#key, "MINID", oldestId(timeOf(String(id))));
    pipeline.pexpire(this.#key, KEEP_MS);
    await pipeline.exec();
    return String(id);
  }

  /**
   * Notes an act, then does it: a server that is killed between the two has noted too much, never too little. A line of
   * an act that is refused is replaced by one that says so.
   */
  async act<T>(
    gate: RedisGate,
    person: { readonly who: string; readonly role: Role },
    act: AuditedAct,
    work: () => Promise<T>,
  ): Promise<T> {
    const id = await gate.ask(() => this.note(person, act));
    try {
      return await work();
    } catch (error) {
      const { code, reason, status } = toHttpError(coerceError(error));
      if (status < 500) {
        // Whoever asked is told of the refusal, also when its line cannot be written.
        await gate
          .ask(() => this.note(person, { ...act, refused: reason ?? code }))
          .then(() => gate.ask(() => this.#client.xdel(this.#key, id)))
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
    const entries = await this.#client.xrevrange(this.#key, from, oldestId(now), "COUNT", limit);
    const lines = entries.map(([id, fields]) => toLine(id, fields));
    const last = lines.at(-1)?.id;
    return { lines, next: lines.length === limit && last !== undefined ? last : undefined };
  }
}

function oldestId(now: number): string {
  return `${Math.max(0, now - KEEP_MS)}-0`;
}

function timeOf(id: string): number {
  return Number(id.split("-")[0]);
}

function toLine(id: string, fields: readonly string[]): AuditLine {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const [target, detail, refused] = [values.get("target"), values.get("detail"), values.get("refused")];
  return {
    id,
    at: timeOf(id),
    who: values.get("who") ?? "",
    role: values.get("role") === "operator" ? "operator" : "viewer",
    action: values.get("action") ?? "",
    target,
    detail,
    ...(refused === undefined ? {} : { outcome: "refused", reason: refused as Reason | ErrorCode }),
  };
}
