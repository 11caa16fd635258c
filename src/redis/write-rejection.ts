import type { Clock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";

/** Replies of a Redis that answers, but does not execute commands for a while. None of them changes data. */
const REJECTIONS: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  OOM: { reason: "it is out of memory", hint: "Free memory, or raise maxmemory." },
  MISCONF: { reason: "it cannot save its data to disk", hint: "Check the disk and the log of the Redis server." },
  READONLY: { reason: "it is a read-only replica", hint: "Wait for the failover, or connect to the master." },
  MASTERDOWN: { reason: "it has lost its master", hint: "Wait for the failover, or connect to the master." },
  LOADING: { reason: "it is loading its data", hint: "Wait until it has started." },
  BUSY: { reason: "it is busy with a script", hint: "Wait, or stop the script with SCRIPT KILL." },
  NOREPLICAS: { reason: "it has too few replicas", hint: "Check its replicas and min-replicas-to-write." },
  CLUSTERDOWN: { reason: "the cluster is down", hint: "Check the nodes of the cluster." },
};
/** The code is the first word of a reply. An error of a script contains the reply that the script got. */
const PATTERN = new RegExp(`(?:^|-|: )(${Object.keys(REJECTIONS).join("|")})\\s`);

export interface Rejection {
  readonly code: string;
  /** Completes the sentence "Redis rejects commands: ...". */
  readonly reason: string;
  readonly hint: string;
}

/** Why Redis rejected a command, if it will accept the same command later; undefined for all other errors. */
export function findRejection(thrown: unknown): Rejection | undefined {
  const error = coerceError(thrown);
  // The error of an aborted transaction contains the errors of its commands.
  const previous = "previousErrors" in error && Array.isArray(error.previousErrors) ? error.previousErrors : [];
  for (const { message } of [error, ...previous.map(coerceError)]) {
    const code = PATTERN.exec(`${message} `)?.[1];
    const known = code === undefined ? undefined : REJECTIONS[code];
    if (code !== undefined && known) return { code, ...known };
  }
  return undefined;
}

const RETRY_INTERVAL_MS = 500;
const REPORT_INTERVAL_MS = 60_000;

export interface RejectionRetryDeps {
  readonly clock: Clock;
  /** Once it aborts, rejected tasks are not retried. */
  readonly signal: AbortSignal;
  /** Called with the reason at the first rejection and then once a minute; with undefined when Redis accepts again. */
  readonly onChange: (rejection: Rejection | undefined) => void;
}

/** Retries idempotent tasks while Redis rejects their commands, and reports the reason once for all of them. */
export class RejectionRetry {
  readonly #deps: RejectionRetryDeps;
  readonly #reports: { at: number | undefined };

  constructor(deps: RejectionRetryDeps, reports: { at: number | undefined } = { at: undefined }) {
    this.#deps = deps;
    this.#reports = reports;
  }

  /** Whether Redis rejects commands at the moment. */
  get isRejected(): boolean {
    return this.#reports.at !== undefined;
  }

  /** Returns a retry that also ends when `signal` aborts. Both report together. */
  until(signal: AbortSignal): RejectionRetry {
    return new RejectionRetry({ ...this.#deps, signal: AbortSignal.any([this.#deps.signal, signal]) }, this.#reports);
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#deps;
    for (let isRetry = false; ; isRetry = true) {
      try {
        const result = await task();
        if (isRetry) this.#reportAccepted();
        return result;
      } catch (error) {
        const rejection = findRejection(error);
        if (!rejection || signal.aborted) throw error;
        this.#reportRejected(rejection, clock.monotonic());
        await clock.sleep(RETRY_INTERVAL_MS, signal);
      }
    }
  }

  /** Runs a task once, and reports its rejection or, after earlier ones, its success. */
  async observe<T>(task: () => Promise<T>): Promise<T> {
    try {
      const result = await task();
      this.#reportAccepted();
      return result;
    } catch (error) {
      const rejection = findRejection(error);
      if (rejection) this.#reportRejected(rejection, this.#deps.clock.monotonic());
      throw error;
    }
  }

  #reportRejected(rejection: Rejection, now: number): void {
    if (this.#reports.at !== undefined && now - this.#reports.at < REPORT_INTERVAL_MS) return;
    this.#reports.at = now;
    this.#deps.onChange(rejection);
  }

  #reportAccepted(): void {
    if (this.#reports.at === undefined) return;
    this.#reports.at = undefined;
    this.#deps.onChange(undefined);
  }
}

/** Returns `target` with all its asynchronous methods retried. They must be idempotent. */
export function retryRejected<T extends object>(target: T, retry: RejectionRetry): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => retry.run(async () => await value.apply(target, args));
    },
  });
}
