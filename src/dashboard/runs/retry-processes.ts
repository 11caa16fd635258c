import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { RetryRequest, RetryStatus } from "./retry-api.ts";

/** How this process starts the command line of its own version. */
export interface CliCommand {
  readonly program: string;
  /** Before the words of a command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RetryOptions extends RetryRequest {
  readonly run: string;
  /** The run's folder, as Redis and its run.json name it; absolute. */
  readonly dir: string;
  readonly userName: string;
  /** Worker processes for it; 0 where others serve its queues. */
  readonly workers: number | undefined;
}

interface Retry {
  status: RetryStatus;
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

const MAX_CONCURRENT_RETRIES = 4;
/** Of the end of its messages, for when it ends without a word on its standard output. */
const STDERR_TAIL_LENGTH = 2_000;
const MESSAGE_LIMIT = 500;

/**
 * Retries as processes of their own: each is the coordinator of its run, which must not depend on a web server's health.
 * They outlive the page that started them, and are stopped in an orderly way with the server; the run then goes on by
 * `sluice retry` or its own command.
 */
export class RetryProcesses {
  readonly #command: CliCommand;
  readonly #retries = new Map<string, Retry>();
  readonly #now: () => number;

  constructor(command: CliCommand, now: () => number = () => Date.now()) {
    this.#command = command;
    this.#now = now;
  }

  /** The latest retry of a run. */
  status(run: string): RetryStatus | undefined {
    return this.#retries.get(run)?.status;
  }

  /** Throws an HttpError while the run, or too many others, are being retried. */
  start(options: RetryOptions): RetryStatus {
    const { run, dir, userName, kinds, cause, workers } = options;
    const running = [...this.#retries.values()].filter(({ status }) => status.state === "running");
    if (this.status(run)?.state === "running") {
      throw new HttpError("wrong-state", "This run is being retried already.", { reason: "retried-already" });
    }
    if (running.length >= MAX_CONCURRENT_RETRIES) {
      throw new HttpError("wrong-state", `${MAX_CONCURRENT_RETRIES} runs are being retried already.`, {
        hint: "Wait for one of them to end.",
        reason: "too-many-retries",
      });
    }
    const commandArgs = [
      "retry",
      dir,
      "--json",
      ...(kinds === undefined ? [] : ["--kind", kinds.join(",")]),
      ...(cause === undefined ? [] : ["--cause", cause]),
      ...(workers === undefined ? [] : ["--workers", String(workers)]),
    ];
    const { program, args, env } = this.#command;
    // A group of its own: Ctrl-C in the server's terminal reaches it once, through the server, which waits for it.
    const child = spawn(program, [...args, ...commandArgs], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
      detached: true,
    });
    const status: RetryStatus = {
      state: "running",
      startedAt: this.#now(),
      userName,
      kinds,
      cause,
    };
    const exited = Promise.withResolvers<void>();
    const retry: Retry = { status, child, exited: exited.promise };
    this.#retries.set(run, retry);
    this.#follow(retry, exited.resolve);
    return status;
  }

  /** Stops what is under way and resolves when it has ended; nothing of it is lost. */
  async close(): Promise<void> {
    const running = [...this.#retries.values()].filter(({ status }) => status.state === "running");
    for (const { child } of running) child.kill("SIGTERM");
    await Promise.all(running.map(({ exited }) => exited));
  }

  #follow(retry: Retry, exited: () => void): void {
    const { child } = retry;
    let stderrTail = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderrTail = (stderrTail + text).slice(-STDERR_TAIL_LENGTH);
    });
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        retry.status = { ...retry.status, ...readEvent(line) };
      });
    }
    const end = (how: Pick<RetryStatus, "state" | "code" | "message">) => {
      if (retry.status.finishedAt === undefined) {
        const message = how.message?.slice(0, MESSAGE_LIMIT);
        retry.status = {
          ...retry.status,
          ...how,
          finishedAt: this.#now(),
          ...(message === undefined ? {} : { message }),
        };
      }
      exited();
    };
    child.once("error", () =>
      end({ state: "failed", code: "could-not-start", message: "The process could not be started." }),
    );
    child.once("close", (code, signal) =>
      end(describeExit(retry.status, formatStderrTail(stderrTail), { code, signal })),
    );
  }
}

/** What a line of `--json` says that a page should show. */
function readEvent(line: string): Partial<RetryStatus> {
  try {
    const event = JSON.parse(line) as {
      readonly event?: string;
      readonly message?: unknown;
      readonly hint?: unknown;
      readonly succeeded?: unknown;
      readonly failed?: unknown;
    };
    const { succeeded, failed } = event;
    if (event.event === "retried" && typeof succeeded === "number" && typeof failed === "number") {
      return { items: { succeeded, failed } };
    }
    if (event.event !== "run-end" && event.event !== "note") return {};
    const { message, hint } = event;
    return {
      message: typeof message === "string" ? message : undefined,
      hint: typeof hint === "string" ? hint : undefined,
    };
  } catch {
    return {};
  }
}

/** A process that ends with 1 has items that failed, or has fallen over; only the former has told of the items. */
function describeExit(
  { items, message }: Pick<RetryStatus, "items" | "message">,
  stderrTail: string,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
): Pick<RetryStatus, "state" | "code" | "message"> {
  if (code !== 0 && !(code === 1 && items)) {
    const text = message ?? (stderrTail || `It ended with ${signal ?? code}.`);
    return { state: "failed", code: "refused", message: text };
  }
  const { succeeded = 0, failed = 0 } = items ?? {};
  const all = succeeded + failed;
  if (all === 0) {
    return { state: "finished", code: "nothing-to-retry", message: "There was nothing to retry." };
  }
  return failed === 0
    ? { state: "finished", code: "all-succeeded", message: `All ${all} items that were retried succeeded.` }
    : {
        state: "finished",
        code: "some-failed-again",
        message: `${succeeded} of ${all} items succeeded, ${failed} failed again.`,
      };
}

function formatStderrTail(text: string): string {
  return text.trim().split("\n").slice(-2).join(" ").replace(/\s+/g, " ");
}
