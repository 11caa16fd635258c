import { formatLane, type Lane } from "#src/core/lane.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readJournal } from "#src/state/runs/run-journal.ts";
import type { OutageSnapshot } from "./run-snapshot.ts";

export interface OutageDetectorDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly run: string;
  /** `address`: "host:port" that a lane's calls go to. */
  readonly lanes: readonly { readonly lane: Lane; readonly address?: string }[];
}

/** Calls of a run so far that ended either way. */
export interface CallCounts {
  readonly answered: number;
  readonly failed: number;
}

/** A call that fails now and then, between others that succeed, is nobody's concern. */
const MIN_OUTAGE_MS = 2_000;
const CHECK_INTERVAL_MS = 1_000;
/** What holds a run up without an end of its own; of throttles and parked lanes their lanes tell. */
const OUTAGE_KINDS = new Set(["network", "server", "timeout", "bad-response"]);

/** Finds out why nothing succeeds: what the newest failed call of a run ended with, for as long as none is answered. */
export class OutageDetector {
  readonly #deps: OutageDetectorDeps;
  #answered = -1;
  #failedBefore = 0;
  #since = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #current: OutageSnapshot | undefined;

  constructor(deps: OutageDetectorDeps) {
    this.#deps = deps;
  }

  /** Absent as long as calls are answered. */
  get current(): OutageSnapshot | undefined {
    return this.#current;
  }

  /** Called about twice a second; `now` is epoch ms. */
  async check(now: number, { answered, failed }: CallCounts): Promise<void> {
    if (answered !== this.#answered) {
      [this.#answered, this.#failedBefore, this.#since] = [answered, failed, now];
      this.#current = undefined;
    }
    const isQuiet = failed <= this.#failedBefore || now - this.#since < MIN_OUTAGE_MS;
    if (isQuiet || now - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = now;
    const { client, keys, run, lanes } = this.#deps;
    const [newest] = await readJournal(client, keys, run, undefined, 1);
    if (newest === undefined || !OUTAGE_KINDS.has(newest.kind)) return;
    const { kind, message, lane } = newest;
    const address = lanes.find((each) => formatLane(each.lane) === lane)?.address;
    this.#current = {
      kind,
      message,
      lane,
      address,
      since: this.#since,
    };
  }
}
