import type { ItemKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { reportMalformed, toFieldMap } from "#src/redis/stored-json.ts";

const PARTIAL_KINDS = ["text", "reasoning", "details", "tools"] as const;
export type PartialKind = (typeof PARTIAL_KINDS)[number];

/** One entry of an item's partials. The deltas after the last reset, concatenated, are the text so far. */
export type PartialEntry =
  | {
      readonly id: string;
      readonly type: PartialKind;
      readonly attempt: number;
      readonly delta: string;
    }
  | { readonly id: string; readonly type: "reset"; readonly attempt: number }
  | { readonly id: string; readonly type: "end"; readonly final: unknown };

/** An attempt and the number of partials it has written. */
export interface AttemptProgress {
  readonly attempt: number;
  written: number;
}

const writeScript = defineScript(new URL("lua/write-partial.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["attempt", "channel", "maxLength", "sequence", "kind", "delta"],
  parse: (reply) => String(reply),
});

/** Bound of an item's stream: more entries than the longest answer of any model has. */
const MAX_ENTRIES = 20_000;

/**
 * Writes the deltas of one attempt. The first delta is written immediately; deltas that arrive during a write are
 * merged into the next one, so that a slow Redis leads to larger entries, not to more of them. Calls `onStale` when the
 * attempt has ended (cancelled, or claimed by another worker), and writes nothing from then on.
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
    if (last && last.kind === kind && (kind === "text" || kind === "reasoning")) last.delta += delta;
    else this.#pending.push({ kind, delta });
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when all deltas so far are in Redis. */
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
        // After a gap the call continues: the commit of its record writes all deltas again.
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

/** A partial that was sent inside a pub/sub message, and the id of the entry before it. */
export interface PushedPartial {
  readonly partial: PartialEntry;
  readonly previousId: string;
}

/** The partial in a message on an item's channel; undefined if the message has none, so that the stream must be read. */
export function parsePushedPartial(message: string): PushedPartial | undefined {
  const [id = "", previousId = "", attempt = "", kind = ""] = message.split(" ", 4);
  if (!isPartialKind(kind)) return undefined;
  const delta = message.slice(id.length + previousId.length + attempt.length + kind.length + 4);
  return { previousId, partial: { id, type: kind, attempt: Number(attempt), delta } };
}

/**
 * The pushed entries that follow `position`; undefined if an entry between them is missing, so that the stream must be
 * read.
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

function isPartialKind(text: string | undefined): text is PartialKind {
  return PARTIAL_KINDS.some((kind) => kind === text);
}

/** Stream ids have the form "ms-sequence". */
function isAfter(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}

/** Up to `count` entries after the id `after` ("0-0" for all). Malformed entries are skipped. */
export async function readPartials(
  client: RedisClient,
  keys: ItemKeys,
  after: string,
  count = 1_000,
): Promise<PartialEntry[]> {
  const entries = await client.xrange(keys.partials, after === "0-0" ? "-" : `(${after}`, "+", "COUNT", count);
  return entries.flatMap(([id, fields]) => {
    const entry = parsePartial(id, fields);
    if (!entry) reportMalformed(client, `${keys.partials} ${id}`);
    return entry ?? [];
  });
}

/** Hot path of streams, therefore without a schema. */
function parsePartial(id: string, fields: readonly string[]): PartialEntry | undefined {
  const values = toFieldMap(fields);
  const type = values.get("t");
  const attempt = Number(values.get("a") ?? 0);
  if (type === "reset") return { id, type, attempt };
  if (isPartialKind(type)) return { id, type, attempt, delta: values.get("d") ?? "" };
  if (type !== "end") return undefined;
  try {
    return { id, type, final: JSON.parse(values.get("d") ?? "null") };
  } catch {
    return undefined;
  }
}
