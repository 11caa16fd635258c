import type { ItemKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";

/** One entry of an item's partials. Concatenating the deltas after the last reset gives the text so far. */
export type PartialEntry =
  | {
      readonly id: string;
      readonly type: "text" | "reasoning" | "tools";
      readonly attempt: number;
      readonly delta: string;
    }
  | { readonly id: string; readonly type: "reset"; readonly attempt: number }
  | { readonly id: string; readonly type: "end"; readonly final: unknown };

export type PartialKind = "text" | "reasoning" | "tools";

/** The attempt that deltas are written under, and how many entries it has written. */
export interface AttemptProgress {
  readonly attempt: number;
  written: number;
}

const writeScript = defineScript(new URL("lua/write-partial.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["attempt", "channel", "maxLength", "sequence", "kind", "delta"],
  parse: (reply) => String(reply),
});

/** Entries kept: more than an answer of the longest model has, and a bound all the same. */
const MAX_ENTRIES = 20_000;

/**
 * Writes one attempt's deltas: the first at once, and while a write is under way what comes meanwhile goes together
 * into the next, so that a slow Redis makes entries larger and never more. `onStale` tells that the attempt is over
 * (cancelled, or taken over); nothing is written from then on.
 */
export class PartialWriter {
  readonly #client: RedisClient;
  readonly #keys: ItemKeys;
  readonly #attempt: AttemptProgress;
  readonly #onStale: (state: string) => void;
  #pending: { kind: PartialKind; delta: string }[] = [];
  #writing: Promise<void> | undefined;
  #stale = false;

  constructor(client: RedisClient, keys: ItemKeys, attempt: AttemptProgress, onStale: (state: string) => void) {
    this.#client = client;
    this.#keys = keys;
    this.#attempt = attempt;
    this.#onStale = onStale;
  }

  write(kind: PartialKind, delta: string): void {
    if (this.#stale) return;
    const last = this.#pending.at(-1);
    if (last && last.kind === kind && kind !== "tools") last.delta += delta;
    else this.#pending.push({ kind, delta });
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything written so far is in Redis. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0 && !this.#stale) {
      const batch = this.#pending;
      this.#pending = [];
      const replies = await Promise.all(batch.map((entry) => this.#send(entry))).catch(() => ["ok"]);
      const stale = replies.find((reply) => reply !== "ok");
      if (stale !== undefined) {
        this.#stale = true;
        // After a gap the answer goes on: its record brings the whole text once more.
        if (stale !== "gap") this.#onStale(stale);
      }
    }
  }

  #send({ kind, delta }: { kind: PartialKind; delta: string }): Promise<string> {
    this.#attempt.written += 1;
    return writeScript.run(this.#client, this.#keys, {
      attempt: this.#attempt.attempt,
      channel: this.#keys.channel,
      maxLength: MAX_ENTRIES,
      sequence: this.#attempt.written,
      kind,
      delta,
    });
  }
}

/** An entry as readers were told it, and the entry that it follows. */
export interface PushedPartial {
  readonly partial: PartialEntry;
  readonly previousId: string;
}

/** What a message about an item tells of its partials; undefined when that has to be read. */
export function parsePushedPartial(message: string): PushedPartial | undefined {
  const [id = "", previousId = "", attempt = "", kind = ""] = message.split(" ", 4);
  if (kind !== "text" && kind !== "reasoning" && kind !== "tools") return undefined;
  const delta = message.slice(id.length + previousId.length + attempt.length + kind.length + 4);
  return { previousId, partial: { id, type: kind, attempt: Number(attempt), delta } };
}

/**
 * The entries among those told that come after `position`; undefined when one between is missing, so that all have to
 * be read.
 */
export function selectFollowing(position: string, pushed: readonly PushedPartial[]): PartialEntry[] | undefined {
  const partials: PartialEntry[] = [];
  let last = position;
  for (const { previousId, partial } of pushed) {
    if (!isAfter(partial.id, last)) continue;
    if (previousId !== last) return undefined;
    partials.push(partial);
    last = partial.id;
  }
  return partials;
}

/** Ids are "ms-sequence". */
function isAfter(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}

/** Entries after `after` ("0-0" for all), up to `count`. */
export async function readPartials(
  client: RedisClient,
  keys: ItemKeys,
  after: string,
  count = 1_000,
): Promise<PartialEntry[]> {
  const entries = await client.xrange(keys.partials, after === "0-0" ? "-" : `(${after}`, "+", "COUNT", count);
  return entries.map(([id, fields]) => parsePartial(id, fields));
}

function parsePartial(id: string, fields: readonly string[]): PartialEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const type = values.get("t");
  const attempt = Number(values.get("a") ?? 0);
  if (type === "end") return { id, type, final: JSON.parse(values.get("d") ?? "null") };
  if (type === "reset") return { id, type, attempt };
  return {
    id,
    type: type === "reasoning" || type === "tools" ? type : "text",
    attempt,
    delta: values.get("d") ?? "",
  };
}
