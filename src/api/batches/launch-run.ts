import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { TenantShare } from "#src/queues/payload.ts";
import type { BatchProblem } from "./batch-object.ts";

/** How to start this program's command line in a child process. */
export interface ProgramStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface LaunchOptions {
  readonly command: ProgramStart;
  /** The batch file. */
  readonly input: string;
  readonly out: string;
  /** Provider of models that are named without one. */
  readonly provider: string | undefined;
  /** Whose run it is; undefined on a server without keys. */
  readonly tenant: TenantShare | undefined;
  /** Stops the run in an orderly way; it can be continued. */
  readonly signal: AbortSignal;
  /** Called when the requests have been checked and stored. */
  readonly onStarted: () => void;
}

/** How the process ended. Only `refused` says something about the batch; after all others its run decides. */
export type LaunchEnd =
  | { readonly outcome: "refused"; readonly problems: readonly BatchProblem[] }
  | { readonly outcome: "exited"; readonly message: string };

const sourceProblem = z.object({ where: z.string(), message: z.string() });
const runEvent = z.discriminatedUnion("event", [
  z.object({ event: z.literal("run-start") }),
  z.object({
    event: z.literal("run-end"),
    message: z.string().optional(),
    problems: z.array(sourceProblem).optional(),
  }),
]);

/** Characters of stderr that are kept, for the log. */
const STDERR_LENGTH = 2_000;

/**
 * Runs a batch file in a process of its own, which plans and coordinates the run: it does not slow the answers of the server,
 * and neither ends the other. The lease of the run and the lock of its folder exclude a second one.
 */
export function launchRun(options: LaunchOptions): Promise<LaunchEnd> {
  const { command, input, out, provider, tenant, signal, onStarted } = options;
  const model = provider === undefined ? [] : ["--model", provider];
  const owner = tenant === undefined ? [] : ["--tenant", `${tenant.weight}:${tenant.id}`];
  const args = [...command.args, "batch", input, "--out", out, "--json", "--workers", "0", ...model, ...owner];
  const child = spawn(command.program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: command.env,
    cwd: command.cwd,
    // Ctrl-C in the server's terminal reaches it only through the server, which waits for it.
    detached: true,
  });
  const { promise, resolve } = Promise.withResolvers<LaunchEnd>();
  let end: LaunchEnd | undefined;
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LENGTH);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = parseEvent(line);
    if (event?.event === "run-start") onStarted();
    if (event?.event !== "run-end") return;
    const { problems, message = "" } = event;
    end = problems ? { outcome: "refused", problems: problems.map(toBatchProblem) } : { outcome: "exited", message };
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  const finish = (fallback: string) => {
    signal.removeEventListener("abort", stop);
    resolve(end ?? { outcome: "exited", message: stderr.trim().split("\n").slice(-2).join(" ") || fallback });
  };
  child.once("error", (error) => finish(error.message));
  child.once("close", (code, killedBy) => finish(`exited with ${killedBy ?? code}`));
  if (signal.aborted) stop();
  return promise;
}

function parseEvent(line: string): z.infer<typeof runEvent> | undefined {
  try {
    return runEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** "input.jsonl:12" with a message about a field, which begins with its quoted name. */
function toBatchProblem({ where, message }: z.infer<typeof sourceProblem>): BatchProblem {
  const line = /:(\d+)$/.exec(where)?.[1];
  const param = /^"([\w.[\]]{1,100})"/.exec(message)?.[1] ?? null;
  return { code: "invalid_request", message, param, line: line === undefined ? null : Number(line) };
}
