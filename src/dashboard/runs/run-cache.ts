import * as z from "zod";
import { quoteShellWords } from "#src/core/suggested-commands.ts";
import { parsePublishedRun } from "#src/producer/runs/progress/parse-published-run.ts";
import type { PublishedRun } from "#src/producer/runs/progress/published-run.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "#src/state/runs/run-ledger.ts";
import { parseRunState, type RunState } from "#src/state/runs/run-transitions.ts";

/** What Redis knows about a run, as of the last read. */
export interface RunInfo {
  readonly run: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly state: RunState | undefined;
  readonly kind: "embedding" | "chat" | "rerank" | undefined;
  readonly model: string | undefined;
  /** Names of the lanes that its coordinator may use; empty if unknown. */
  readonly lanes: readonly string[];
  readonly dir: string | undefined;
  /** Given by a user. */
  readonly name?: string | undefined;
  readonly note?: string | undefined;
  readonly host: string | undefined;
  readonly items: number | undefined;
  /** The command line that started it last, for a shell, and its working directory. */
  readonly startedWith: { readonly command: string; readonly cwd: string } | undefined;
  /** Maximum number of items in Redis at once, as set last. */
  readonly window: number | undefined;
  /** Last sign of life of its coordinator, epoch ms. */
  readonly seenAt: number | undefined;
  /** Some process holds its lease at this moment. */
  readonly hasCoordinator: boolean;
  readonly published: PublishedRun | undefined;
}

/** Older runs are not listed, but can be opened by id. */
const MAX_LISTED = 2_000;
/** Active runs that are read for every snapshot. */
const MAX_ACTIVE = 30;
/** How many of all runs are read for every snapshot, in turn, so that a retried run shows up within seconds. */
const ROTATION_SIZE = 20;
const META_FIELDS = [
  "state",
  "model",
  "dir",
  "host",
  "items",
  "window",
  "seenAt",
  "kind",
  "lanes",
  "command",
  "name",
  "note",
] as const;

/**
 * All runs that Redis lists, in memory. Active runs are read for every snapshot and the others in turn, so that a
 * snapshot costs the same with ten runs and with a thousand.
 */
export class RunCache {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** Newest first. */
  #listed: readonly string[] = [];
  #known = new Map<string, RunInfo>();
  #rotation = 0;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Newest first, without runs of which Redis has only the id left after their week. */
  list(now: number): RunInfo[] {
    return this.#listed.flatMap((run) => {
      const known = this.#known.get(run);
      return known && !isForgotten(known, now) ? [known] : [];
    });
  }

  get(run: string): RunInfo | undefined {
    return this.#known.get(run);
  }

  /** Reads the list, then new, active and watched runs, and the next ones in turn. */
  async refreshListed(watched: Iterable<string>): Promise<void> {
    const found = await this.#client.zrevrange(this.#keys.runs, 0, MAX_LISTED - 1, "WITHSCORES");
    const created = new Map<string, number>();
    for (let i = 0; i + 1 < found.length; i += 2) created.set(String(found[i]), Number(found[i + 1]));
    this.#listed = [...created.keys()];
    const due = new Set(this.#listed.filter((run) => !this.#known.has(run)));
    const active = this.#listed.filter((run) => isActive(this.#known.get(run)));
    for (const run of active.slice(0, MAX_ACTIVE)) due.add(run);
    for (const run of watched) if (created.has(run)) due.add(run);
    for (let i = 0; i < Math.min(ROTATION_SIZE, this.#listed.length); i++) {
      const run = this.#listed[(this.#rotation + i) % this.#listed.length];
      if (run !== undefined) due.add(run);
    }
    this.#rotation = this.#listed.length === 0 ? 0 : (this.#rotation + ROTATION_SIZE) % this.#listed.length;
    const known = await Promise.all([...due].map((run) => this.#read(run, created.get(run) ?? 0)));
    for (const run of this.#known.keys()) if (!created.has(run)) this.#known.delete(run);
    for (const one of known) this.#known.set(one.run, one);
  }

  /** Reads one run now; undefined when Redis does not list it. */
  async refresh(run: string): Promise<RunInfo | undefined> {
    const createdAt = await this.#client.zscore(this.#keys.runs, run);
    if (createdAt === null || createdAt === undefined) {
      this.#known.delete(run);
      return undefined;
    }
    const known = await this.#read(run, Number(createdAt));
    this.#known.set(run, known);
    return known;
  }

  async #read(run: string, createdAt: number): Promise<RunInfo> {
    const { meta, snapshot, lease } = this.#keys.run(run);
    // The lease is read first: a coordinator that exits between the reads has published its end by then.
    const [holder, values, published] = await Promise.all([
      this.#client.get(lease),
      this.#client.hmget(meta, ...META_FIELDS),
      this.#client.get(snapshot),
    ]);
    const [state, model, dir, host, items, window, seenAt, kind, lanes, command, name, note] = values.map(
      (value) => value ?? undefined,
    );
    return {
      run,
      createdAt,
      state: parseRunState(state),
      kind: kind === "embedding" || kind === "chat" || kind === "rerank" ? kind : undefined,
      model,
      lanes: parseLanes(lanes),
      dir,
      name: name || undefined,
      note: note || undefined,
      host,
      items: parseNumber(items),
      startedWith: parseCommand(command),
      window: parseNumber(window),
      seenAt: parseNumber(seenAt),
      hasCoordinator: holder !== null && holder !== undefined,
      published: published ? parsePublishedRun(published) : undefined,
    };
  }
}

function isActive(known: RunInfo | undefined): boolean {
  return known !== undefined && (known.hasCoordinator || known.state === "running" || known.state === "paused");
}

function isForgotten({ state, published, hasCoordinator, createdAt }: RunInfo, now: number): boolean {
  return state === undefined && !published && !hasCoordinator && now - createdAt > RUN_TTL_MS;
}

function parseNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? undefined : value;
}

const storedCommand = z.object({ args: z.array(z.string()).min(1), cwd: z.string() });

function parseCommand(text: string | undefined): RunInfo["startedWith"] {
  try {
    const { args, cwd } = storedCommand.parse(JSON.parse(text ?? ""));
    return { command: quoteShellWords("sluice", ...args), cwd };
  } catch {
    return undefined;
  }
}

/** Entries that are no names are left out. */
function parseLanes(text: string | undefined): readonly string[] {
  try {
    const names: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}
