import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as z from "zod";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { toFilterOptions } from "#src/dashboard/items/item-query-params.ts";
import { ERRORS, RETRY_MESSAGES } from "#src/dashboard/messages.ts";
import type { RetryRequest, RetryStatus } from "./retry-api.ts";

/** How to start the command line of this version. */
export interface CliCommand {
  readonly program: string;
  /** Arguments before those of the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunProcessOptions extends RetryRequest {
  readonly action: RetryStatus["action"];
  readonly run: string;
  /** The run's folder, as Redis and its run.json name it; absolute. */
  readonly dir: string;
  readonly userName: string;
  /** Worker processes to start; 0 if other workers serve its queues, undefined for the default. */
  readonly workers: number | undefined;
}

type RetryEnd = Required<Pick<RetryStatus, "state" | "code" | "message">>;

interface Retry {
  status: RetryStatus;
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

const MAX_CONCURRENT_RETRIES = 4;
/** Tail of stderr that is kept, and shown if the process exits without a final event. */
const STDERR_TAIL_LENGTH = 2_000;
const MESSAGE_LIMIT = 500;

/**
 * Retries and resumes runs in child processes: each is the coordinator of its run, which must not depend on the health
 * of a web server. They outlive the page that started them and are stopped gracefully with the server; the run can then
 * be resumed.
 */
export class RunProcesses {
  readonly #command: CliCommand;
  readonly #retries = new Map<string, Retry>();
  readonly #now: () => number;

  constructor(command: CliCommand, now: () => number = () => Date.now()) {
    this.#command = command;
    this.#now = now;
  }

  /** The latest process of a run. */
  status(run: string): RetryStatus | undefined {
    return this.#retries.get(run)?.status;
  }

  /** Throws an HttpError while this run, or the maximum number of runs, has a process of this server. */
  start(options: RunProcessOptions): RetryStatus {
    const { action, run, dir, userName, filter = {}, workers } = options;
    const running = [...this.#retries.values()].filter(({ status }) => status.state === "running");
    if (this.status(run)?.state === "running") {
      throw new HttpError(ERRORS.retriedAlready);
    }
    if (running.length >= MAX_CONCURRENT_RETRIES) {
      throw new HttpError(ERRORS.tooManyRetries(MAX_CONCURRENT_RETRIES));
    }
    const commandArgs = [
      action,
      dir,
      "--json",
      ...toFilterOptions(filter),
      ...(workers === undefined ? [] : ["--workers", String(workers)]),
    ];
    const { program, args, env } = this.#command;
    // In its own process group: Ctrl-C in the server's terminal reaches it only through the server, which waits for it.
    const child = spawn(program, [...args, ...commandArgs], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
      detached: true,
    });
    const status: RetryStatus = { action, state: "running", startedAt: this.#now(), userName };
    const exited = Promise.withResolvers<void>();
    const retry: Retry = { status, child, exited: exited.promise };
    this.#retries.set(run, retry);
    this.#follow(retry, exited.resolve);
    return status;
  }

  /** Stops running retries and resolves when they have exited; nothing is lost. */
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
    const finish = (end: RetryEnd) => {
      if (retry.status.finishedAt === undefined) {
        const message = end.message.slice(0, MESSAGE_LIMIT);
        retry.status = { ...retry.status, ...end, message, finishedAt: this.#now() };
      }
      exited();
    };
    child.once("error", () =>
      finish({ state: "failed", code: "could-not-start", message: RETRY_MESSAGES.couldNotStart }),
    );
    child.once("close", (code, signal) =>
      finish(describeExit(retry.status, formatStderrTail(stderrTail), { code, signal })),
    );
  }
}

const text = z.string().optional().catch(undefined);
/** The `--json` events that a page shows. */
const retryEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("retried"), succeeded: z.number(), failed: z.number() }),
  z.object({ event: z.literal("run-end"), message: text, hint: text }),
  z.object({ event: z.literal("note"), message: text, hint: text }),
]);

/** The part of the status that a line of `--json` changes; nothing for other lines. */
function readEvent(line: string): Partial<RetryStatus> {
  try {
    const event = retryEvent.parse(JSON.parse(line));
    if (event.event === "retried") return { items: { succeeded: event.succeeded, failed: event.failed } };
    return { message: event.message, hint: event.hint };
  } catch {
    return {};
  }
}

/** Exit code 1 means that items failed if the process reported its items, and that it crashed if it did not. */
function describeExit(
  { action, items, message }: Pick<RetryStatus, "action" | "items" | "message">,
  stderrTail: string,
  { code, signal }: { readonly code: number | null; readonly signal: string | null },
): RetryEnd {
  if (code !== 0 && !(code === 1 && (items ?? action === "resume"))) {
    const reason = message ?? (stderrTail || RETRY_MESSAGES.exited(signal ?? code));
    return { state: "failed", code: "refused", message: reason };
  }
  if (action === "resume") return { state: "finished", code: "run-ended", message: RETRY_MESSAGES.runEnded };
  const { succeeded = 0, failed = 0 } = items ?? {};
  const all = succeeded + failed;
  if (all === 0) return { state: "finished", code: "nothing-to-retry", message: RETRY_MESSAGES.nothingToRetry };
  if (failed === 0) return { state: "finished", code: "all-succeeded", message: RETRY_MESSAGES.allSucceeded(all) };
  const retried = RETRY_MESSAGES.someFailedAgain(succeeded, all, failed);
  return { state: "finished", code: "some-failed-again", message: retried };
}

function formatStderrTail(text: string): string {
  return text.trim().split("\n").slice(-2).join(" ").replace(/\s+/g, " ");
}
