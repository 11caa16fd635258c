// A process of a bench that is told step by step what to do, and what it has used so far.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { adopt } from "./cleanup.ts";
import { cpuMsOf } from "./process-tree.ts";

export interface BenchChild {
  /** Sends one order; resolves with the answer to it, rejects when the process ends instead. */
  ask<T>(order: unknown): Promise<T>;
  /** CPU of the process so far, in ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Starts one of the contenders; resolves when it says that it is ready. */
export async function startChild(file: string, setup: unknown): Promise<BenchChild> {
  const script = fileURLToPath(new URL(`contenders/${file}`, import.meta.url));
  const child = adopt(
    fork(script, [JSON.stringify(setup)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: process.env.BENCH_PROFILE
        ? ["--cpu-prof", `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]
        : [],
    }),
  );
  const next = <T>() =>
    new Promise<T>((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`${file} ended with ${code}`));
      child.once("exit", ended);
      child.once("message", (message) => {
        child.off("exit", ended);
        resolve(message as T);
      });
    });
  await next();
  return {
    ask<T>(order: unknown) {
      const answer = next<T>();
      child.send(order as object);
      return answer;
    },
    cpuMs: () => cpuMsOf(child.pid ?? 0) ?? 0,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

/** The other side: answers orders one after another, and ends with its parent. */
export function serveParent(answer: (order: never) => Promise<unknown>, close: () => Promise<void>): void {
  process.on("message", (order) => {
    answer(order as never).then(
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
