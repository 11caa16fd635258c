// The planning process: plans what its parent requests, sends progress and the result, and exits.
import module from "node:module";
import { coerceError, RunError } from "#src/core/failures/errors.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import type { PlanMessage, PlanRequest } from "./plan-in-child-process.ts";

const cancellation = new AbortController();
// The parent handles interrupts, which a terminal or a supervisor sends to both processes.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
process.once("disconnect", () => cancellation.abort(new Error("the command has ended")));
process.once("message", async ({ options, dir, cache }: PlanRequest) => {
  if (cache !== undefined) module.enableCompileCache(cache);
  const message = await plan(options, dir).catch(toRefusedMessage);
  if (process.connected) process.send?.(message, () => process.disconnect());
});

async function plan(options: PlanRequest["options"], dir: string): Promise<PlanMessage> {
  const { planItems } = await import("#src/producer/plan/plan-items.ts");
  const reading = options.paths.includes("-") ? { ...options, stdin: process.stdin } : options;
  return {
    type: "plan",
    plan: await planItems(reading, dir, { onProgress: reportProgress, signal: cancellation.signal }),
  };
}

function reportProgress(progress: PlanProgress): void {
  if (process.connected) process.send?.({ type: "progress", progress } satisfies PlanMessage);
}

function toRefusedMessage(thrown: unknown): PlanMessage {
  const { name, message } = coerceError(thrown);
  const hint = thrown instanceof RunError ? thrown.hint : undefined;
  return { type: "refused", name, message, hint };
}
