import type { Clock } from "#src/core/clock.ts";
import { appendProviderText } from "#src/core/failures/provider-text.ts";
import { formatLane } from "#src/core/lane.ts";
import type { RunLane } from "#src/producer/runs/run-environment.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readJournal } from "#src/state/runs/run-journal.ts";
import type { OutageSnapshot } from "./run-snapshot.ts";

export interface OutageDetectorDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly run: string;
  readonly lanes: readonly Pick<RunLane, "lane" | "address">[];
  readonly clock: Clock;
}

/** Calls of a run that have ended. */
export interface CallCounts {
  readonly answered: number;
  readonly failed: number;
}

/** Single failed calls among successful ones are not an outage. */
const MIN_OUTAGE_MS = 2_000;
const CHECK_INTERVAL_MS = 1_000;
/** Errors that may last indefinitely. Throttled and parked lanes are shown as such. */
const OUTAGE_KINDS = new Set(["network", "server", "timeout", "bad-response"]);

/** Finds the newest error of a run while all of its calls fail. */
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

  /** Undefined while calls succeed. */
  get current(): OutageSnapshot | undefined {
    return this.#current;
  }

  /** Called about twice a second. */
  async check({ answered, failed }: CallCounts): Promise<void> {
    const { client, keys, run, lanes, clock } = this.#deps;
    const now = clock.monotonic();
    if (answered !== this.#answered) {
      [this.#answered, this.#failedBefore, this.#since] = [answered, failed, now];
      this.#current = undefined;
    }
    const isQuiet = failed <= this.#failedBefore || now - this.#since < MIN_OUTAGE_MS;
    if (isQuiet || now - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = now;
    const [newest] = await readJournal(client, keys, run, undefined, 1);
    if (newest === undefined || !OUTAGE_KINDS.has(newest.kind)) return;
    const { kind, lane } = newest;
    const message = appendProviderText(newest.message, newest);
    const address = lanes.find((each) => formatLane(each.lane) === lane)?.address;
    this.#current = { kind, message, lane, address, since: clock.now() - (now - this.#since) };
  }
}
