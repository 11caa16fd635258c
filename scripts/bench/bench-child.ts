// A process of a bench that is told step by step what to do, and what it has used so far.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { registerChild } from "./cleanup.ts";
import { readCpuMs } from "./process-tree.ts";

export interface BenchChild {
  /** Sends one order; resolves with the answer to it, rejects when the process ends instead. */
  sendRequest<T>(params: unknown): Promise<T>;
  /** CPU of the process so far, in ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Starts one of the contenders; resolves when it says that it is ready. */
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
      const exited = (code: number | null) => reject(new Error(`${file} ended with ${code}`));
      child.once("exit", exited);
      child.once("message", (message) => {
        child.off("exit", exited);
        resolve(message as T);
      });
    });
  await next();
  return {
    sendRequest<T>(params: unknown) {
      const answer = next<T>();
      child.send(params as object);
      return answer;
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

/** The other side: answers orders one after another, and ends with its parent. */
export function serveParent(answer: (params: never) => Promise<unknown>, close: () => Promise<void>): void {
  process.on("message", (params) => {
    answer(params as never).then(
      (reply) => process.send?.(reply ?? "done"),
      (error) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.once("disconnect", () => void close().finally(() => process.exit(0)));
  process.send?.("ready");
}
