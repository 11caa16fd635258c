import { spawn } from "node:child_process";
import { addAbortListener } from "node:events";

export interface CommandOptions {
  readonly command: readonly string[];
  readonly input: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeMs: number;
  readonly memoryMb: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult {
  readonly status: "ended" | "timeout" | "too-much-output";
  /** Exit code, or the name of the signal that ended the command. */
  readonly code: number | string;
  readonly stdout: string;
  /** The last line of stderr that is not empty. */
  readonly error: string;
}

const MAX_OUTPUT_BYTES = 4 * 2 ** 20;
/** The shell limits the data segment and the CPU time (which also ends a command whose parent was killed), then becomes the command. */
const LIMIT = 'ulimit -d "$1" -t "$2" 2>/dev/null; shift 2; exec "$@"';

/**
 * Runs a command with limits on time and memory; with it, all processes that it started end. Resolves for every outcome of the
 * command (127: not found), and rejects with the reason of the signal.
 */
export async function runLimitedCommand(options: CommandOptions): Promise<CommandResult> {
  const { command, input, cwd, environment, timeMs, memoryMb, signal } = options;
  signal?.throwIfAborted();
  const limits = [String(memoryMb * 1024), String(Math.ceil(timeMs / 1000) + 1)];
  const child = spawn("/bin/sh", ["-c", LIMIT, "sh", ...limits, ...command], {
    cwd,
    env: { ...environment },
    detached: true,
  });
  const { promise: ended, resolve } = Promise.withResolvers<number | string>();
  child.once("error", ({ message }) => resolve(message));
  // Processes that the command left behind keep its output open.
  child.once("exit", () => killGroup(child.pid));
  child.once("close", (code, killedBy) => resolve(code ?? killedBy ?? "unknown"));
  let status: CommandResult["status"] = "ended";
  const stop = (reason: CommandResult["status"]) => {
    status = reason;
    killGroup(child.pid);
  };
  using _ = signal && addAbortListener(signal, () => killGroup(child.pid));
  const timer = setTimeout(() => stop("timeout"), timeMs);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (stdout.length > MAX_OUTPUT_BYTES) stop("too-much-output");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  // A command may end without reading its input.
  child.stdin.on("error", () => undefined).end(input);
  const code = await ended;
  clearTimeout(timer);
  signal?.throwIfAborted();
  return {
    status,
    code,
    stdout,
    error:
      stderr
        .split("\n")
        .findLast((line) => line.trim() !== "")
        ?.trim() ?? "",
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended.
  }
}
