import type { RunEnvironment } from "#src/producer/runs/run-environment.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { RejectionRetry } from "#src/redis/write-rejection.ts";

export interface RunActivity {
  /** Any count that grows while the run makes progress. */
  readonly progress: number;
  /** Whether something explains a pause: calls in flight, a limit, a pause, no worker, or nothing that is queued. */
  readonly isExplained: boolean;
}

export interface RunWatchdogDeps extends Pick<RunEnvironment, "clock" | "onEvent"> {
  readonly redis: Pick<RedisSource, "assertReachable" | "reconnect">;
}

const CHECK_INTERVAL_MS = 5_000;
/** Longer than workers need to take a job of a worker that has died. */
const STUCK_MS = 20_000;
/** Between two reports, if new connections do not help. */
const REPORT_INTERVAL_MS = 60_000;

const MESSAGE = `no progress for ${STUCK_MS / 1_000} s, although workers are running and no limit is reached: connecting to Redis again. If this repeats, see the logs of the workers`;

/**
 * Notices that a run makes no progress although nothing explains that, or that its coordinator waits for a reply although Redis
 * is available. Then it reports it, and opens all connections of the command again.
 */
export class RunWatchdog {
  readonly #deps: RunWatchdogDeps;
  readonly #stopped = new AbortController();
  #progress = -1;
  /** When the run last made progress, or its pause was explained. */
  #activeAt: number;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: RunWatchdogDeps) {
    this.#deps = deps;
    this.#activeAt = deps.clock.monotonic();
    this.#watch().catch(() => undefined);
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Called about twice a second, unless the coordinator waits for a reply. */
  observe({ progress, isExplained }: RunActivity, { isRejected }: Pick<RejectionRetry, "isRejected">): void {
    if (isExplained || isRejected || progress !== this.#progress) this.#activeAt = this.#deps.clock.monotonic();
    this.#progress = progress;
  }

  async #watch(): Promise<void> {
    const { clock, redis, onEvent } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      await clock.sleep(CHECK_INTERVAL_MS, this.#stopped.signal);
      if (!this.#isDue()) continue;
      // An outage explains the pause, and is reported as such.
      const isReachable = await redis.assertReachable().then(
        () => true,
        () => false,
      );
      if (!isReachable) this.#activeAt = clock.monotonic();
      if (!this.#isDue() || this.#stopped.signal.aborted) continue;
      this.#reportedAt = clock.monotonic();
      onEvent({ type: "note", message: MESSAGE });
      redis.reconnect();
    }
  }

  #isDue(): boolean {
    const now = this.#deps.clock.monotonic();
    return now - this.#activeAt >= STUCK_MS && now - this.#reportedAt >= REPORT_INTERVAL_MS;
  }
}
