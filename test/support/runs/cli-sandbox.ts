import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { SIMULATOR_API_KEY, type Simulator, type SimulatorOptions, startSimulator } from "#src/simulator/simulator.ts";
import { waitFor } from "#test/support/wait-for.ts";
import { findProcesses, type ProcessInfo } from "./processes.ts";

const ENTRY = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));
export const MODEL = "minimax/embo-01";

export type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string };

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real `sluice` process that leads its own process group, as if started in a terminal. */
export interface CliProcess {
  readonly pid: number;
  readonly exit: Promise<CliResult>;
  stdout(): string;
  stderr(): string;
  /** The `--json` events so far. Throws if a line of stdout is not an event. */
  events(): JsonEvent[];
  /** Resolves with the first matching event. Rejects if the process exits without one. */
  event(matches: (event: JsonEvent) => boolean, what?: string): Promise<JsonEvent>;
  /** Worker processes that this command started. */
  workers(): ProcessInfo[];
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal to every process of the group, as Ctrl-C in a terminal does. */
  killGroup(signal: NodeJS.Signals): void;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Whether stdin stays open after `stdin`, so that a command that reads it does not find its end. */
  readonly keepsStdinOpen?: boolean;
  readonly cwd?: string;
  readonly entry?: string;
}

export interface CliSandboxOptions extends SimulatorOptions {
  /** Limits in sluice.yaml. The defaults never slow a test. */
  readonly limits?: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether runs send canaries; off by default, so that tests can count texts and calls. */
  readonly canaries?: boolean;
}

/** A temporary folder, a simulator in this process, and `sluice` processes that use them. */
export class CliSandbox implements AsyncDisposable {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), "sluice-e2e-")));
  readonly simulator: Simulator;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #hasCanaries: boolean;
  readonly #started: CliProcess[] = [];

  private constructor(simulator: Simulator, env: Readonly<Record<string, string | undefined>>, hasCanaries: boolean) {
    this.simulator = simulator;
    this.#hasCanaries = hasCanaries;
    this.#env = env;
  }

  static async open(options: CliSandboxOptions = {}): Promise<CliSandbox> {
    const { limits = { requestsPerMinute: 100_000, concurrency: 8 }, env = {}, canaries = false, ...rest } = options;
    const sandbox = new CliSandbox(await startSimulator(rest), env, canaries);
    sandbox.writeLimits(limits);
    return sandbox;
  }

  writeLimits(limits: Readonly<Record<string, number>>): void {
    // Tests hold calls and streams for as long as other processes need.
    const timeouts = { idle: "10m", total: "10m" };
    const minimax = { timeouts, models: { "embo-01": { limits } } };
    // JSON is YAML.
    this.write("sluice.yaml", JSON.stringify({ providers: { minimax }, run: { canaries: this.#hasCanaries } }));
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  write(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Reads `run.json` of an output folder. */
  manifest(out: string): RunManifest {
    return JSON.parse(readFileSync(this.path(out, "run.json"), "utf8"));
  }

  start(args: readonly string[], options: CliOptions = {}): CliProcess {
    const child = spawn(process.execPath, [options.entry ?? ENTRY, ...args], {
      cwd: options.cwd ?? this.dir,
      detached: true,
      env: {
        ...buildCleanEnvironment(),
        MINIMAX_API_KEY: SIMULATOR_API_KEY,
        MINIMAX_BASE_URL: this.simulator.url,
        SLUICE_TEST_FOLDER: this.dir,
        XDG_CACHE_HOME: this.path("cache"),
        ...this.#env,
        ...options.env,
      },
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    // A process that is killed does not read the rest.
    child.stdin?.on("error", () => undefined);
    if (options.keepsStdinOpen) child.stdin?.write(options.stdin ?? "");
    else child.stdin?.end(options.stdin);
    const cli = wrapChildProcess(child);
    this.#started.push(cli);
    return cli;
  }

  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(args, options).exit;
  }

  /** Starts `sluice embed` with the simulator's model, and with two workers unless `args` contains --workers. */
  embed(args: readonly string[], options: CliOptions = {}): CliProcess {
    const workers = args.includes("--workers") ? [] : ["--workers", "2"];
    return this.start(["embed", ...args, "--model", MODEL, ...workers], options);
  }

  /** All live processes that belong to this folder, including those that no test started directly. */
  processes(): ProcessInfo[] {
    return findProcesses(this.dir);
  }

  redisServer(): Promise<ProcessInfo> {
    return waitFor(
      () =>
        this.processes().find(
          ({ command }) => /(redis|valkey)-server/.test(command) && !command.includes("supervisor"),
        ),
      { what: "the private redis-server" },
    );
  }

  /** Resolves when no process of this folder is left. Rejects with the list of remaining processes. */
  async waitUntilNoProcesses(): Promise<void> {
    await waitFor(() => this.processes().length === 0, { what: "all processes to end" }).catch(() => {
      throw new Error(`still running:\n${this.processes().map(describe).join("\n")}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cli of this.#started) cli.killGroup("SIGKILL");
    for (const { pid } of this.processes()) killIfRunning(pid, "SIGKILL");
    await this.waitUntilNoProcesses();
    await this.simulator.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function wrapChildProcess(child: ChildProcess): CliProcess {
  const pid = child.pid ?? 0;
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  let hasExited = false;
  const exit = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      hasExited = true;
      resolve({ code, signal, stdout, stderr });
    });
  });
  // Only complete lines: the last one may be incomplete.
  const events = () =>
    stdout
      .slice(0, stdout.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line !== "")
      .map((line): JsonEvent => JSON.parse(line));
  return {
    pid,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    events,
    event: (matches, what = "an event") =>
      waitFor(
        () => {
          const found = events().find(matches);
          if (!found && hasExited) throw new Error(`the process exited without ${what}\n${stdout}\n${stderr}`);
          return found;
        },
        { what },
      ),
    workers: () =>
      findProcesses(`${ENTRY} worker --child`).filter(
        ({ parent, command }) => parent === pid && command.includes("worker --child"),
      ),
    kill: (signal) => killIfRunning(pid, signal),
    killGroup: (signal) => killIfRunning(-pid, signal),
  };
}

/** Matches progress events in which at least `share` of the items have a record. For `CliProcess.event`. */
export function hasProgressedTo(share: number): (event: JsonEvent) => boolean {
  return ({ event, items }) => {
    if (event !== "progress") return false;
    const { total, succeeded, failed } = items as { total: number; succeeded: number; failed: number };
    return succeeded + failed >= share * total;
  };
}

/** Matches the event with which a command confirms that it is stopping. For `CliProcess.event`. */
export function isStopping({ event, message }: JsonEvent): boolean {
  return event === "note" && String(message).startsWith("stopping");
}

export function killIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has already exited.
  }
}

/** The environment of this process without variables that configure Sluice. */
function buildCleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(REDIS_URL|TEST_REDIS_URL|MINIMAX_|SLUICE_(?!REDIS_SERVER)|NODE_OPTIONS|VITEST)/.test(name),
    ),
  );
}

function describe({ pid, parent, command }: ProcessInfo): string {
  return `${pid} (parent ${parent}): ${command}`;
}
