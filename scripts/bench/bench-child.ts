// A child process of a benchmark that runs requests one at a time.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { registerChild } from "./cleanup.ts";
import { readCpuMs } from "./process-tree.ts";

export interface BenchChild {
  /** Sends one request and resolves with its response. Rejects if the process exits first. */
  sendRequest<T>(params: unknown): Promise<T>;
  /** CPU time of the process so far, in ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Starts a script in contenders/, with `setup` as JSON in argv. Resolves when the script is ready. */
export async function startChild(file: string, setup: unknown): Promise<BenchChild> {
  const script = fileURLToPath(new URL(`contenders/${file}`, import.meta.url));
  const child = registerChild(
    fork(script, [JSON.stringify(setup)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: process.env.BENCH_PROFILE ? ["--cpu-prof", `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : [],
    }),
  );
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      const exited = (code: number | null) => reject(new Error(`${file} exited with code ${code}`));
      child.once("exit", exited);
      child.once("message", (message) => {
        child.off("exit", exited);
        resolve(message as T);
      });
    });
  await next();
  return {
    sendRequest<T>(params: unknown) {
      const response = next<T>();
      child.send(params as object);
      return response;
    },
    cpuMs: () => readCpuMs(child.pid ?? 0) ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** The child's side: handles the requests of its parent, and exits when the parent disconnects or exits. */
export function serveParent(handle: (params: never) => Promise<unknown>, close: () => Promise<void>): void {
  process.on("message", (params) => {
    handle(params as never).then(
      (response) => process.send?.(response ?? "done"),
      (error) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.once("disconnect", () => void close().finally(() => process.exit(0)));
  process.send?.("ready");
}
