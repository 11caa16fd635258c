import { type ChildProcess, fork } from "node:child_process";
import { addAbortListener, once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { LimitedResult, ThreadLimits } from "./limited-thread.ts";

/** The start of the script process, as an argument of its command line. */
export interface ScriptStart {
  readonly limits: ThreadLimits;
}

export interface ScriptRequest {
  readonly source:
    | { readonly file: string; readonly code?: undefined }
    | { readonly file?: undefined; readonly code: string };
  readonly output: string;
  readonly context: unknown;
}

export type ScriptReply =
  | { readonly status: "returned"; readonly value: unknown }
  | { readonly status: "threw"; readonly message: string };

export interface ScriptRunnerOptions extends ThreadLimits {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a user's function in a process of its own, one request after the other. A request that hangs or needs too much memory fails
 * alone; the process is replaced after it.
 */
export class ScriptRunner {
  readonly #options: ScriptRunnerOptions;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ScriptRunnerOptions) {
    this.#options = options;
  }

  /** Rejects only with the reason of the signal. */
  run(request: ScriptRequest, signal?: AbortSignal): Promise<LimitedResult<ScriptReply>> {
    const result = this.#last.then(() => this.#run(request, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    // An idle process is not waited for, and without anything else to do this one would end here.
    child.ref();
    child.kill("SIGKILL");
    await exited;
  }

  async #run(request: ScriptRequest, signal: AbortSignal | undefined): Promise<LimitedResult<ScriptReply>> {
    signal?.throwIfAborted();
    const child = this.#child ?? this.#start();
    const { promise, resolve } = Promise.withResolvers<LimitedResult<ScriptReply> | undefined>();
    const onExit = () => resolve({ status: "failed", reason: "its process ended" });
    child.once("message", resolve);
    child.once("exit", onExit);
    child.once("error", onExit);
    using _ = signal && addAbortListener(signal, () => resolve(undefined));
    child.ref();
    child.channel?.ref();
    child.send(request);
    const result = await promise;
    // An idle process does not keep this one running.
    child.unref();
    child.channel?.unref();
    child.off("message", resolve);
    child.off("exit", onExit);
    child.off("error", onExit);
    // What a failed request left behind, such as memory, must not harm the next one.
    if (result?.status !== "ended") await this.close();
    signal?.throwIfAborted();
    return result ?? { status: "failed", reason: "it was stopped" };
  }

  #start(): ChildProcess {
    const { timeMs, memoryMb, cwd, environment } = this.#options;
    const script = fileURLToPath(new URL(`./script-process${extname(import.meta.url)}`, import.meta.url));
    const start: ScriptStart = { limits: { timeMs, memoryMb } };
    const child = fork(script, [JSON.stringify(start)], {
      cwd,
      env: { ...environment },
      execArgv: ["--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}
