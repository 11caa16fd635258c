import { formatLane, type Lane } from "../../core/lane.ts";
import { readJournal } from "../../queue/run-journal.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { TroubleSnapshot } from "../run-snapshot.ts";

export interface TroubleDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly run: string;
  /** `address`: "host:port" that a lane's calls go to. */
  readonly lanes: readonly { readonly lane: Lane; readonly address?: string }[];
}

/** Calls of a run so far that ended either way. */
export interface EndedCalls {
  readonly answered: number;
  readonly failed: number;
}

/** A call that fails now and then, between others that succeed, is nobody's concern. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 1_000;
/** What holds a run up without an end of its own; of throttles and parked lanes their lanes tell. */
const HOLDING_UP = new Set(["network", "server", "timeout", "bad-response"]);

/** Finds out why nothing succeeds: what the newest failed call of a run ended with, for as long as none is answered. */
export class TroubleWatch {
  readonly #deps: TroubleDeps;
  #answered = -1;
  #failedBefore = 0;
  #since = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #current: TroubleSnapshot | undefined;

  constructor(deps: TroubleDeps) {
    this.#deps = deps;
  }

  /** Absent as long as calls are answered. */
  get current(): TroubleSnapshot | undefined {
    return this.#current;
  }

  /** Called about twice a second; `now` is epoch ms. */
  async look(now: number, { answered, failed }: EndedCalls): Promise<void> {
    if (answered !== this.#answered) {
      [this.#answered, this.#failedBefore, this.#since] = [answered, failed, now];
      this.#current = undefined;
    }
    const isQuiet = failed <= this.#failedBefore || now - this.#since < PATIENCE_MS;
    if (isQuiet || now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const { client, keys, run, lanes } = this.#deps;
    const [newest] = await readJournal(client, keys, run, undefined, 1);
    if (newest === undefined || !HOLDING_UP.has(newest.kind)) return;
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
