// The planning process: plans what its parent asks for, tells how far it is and what came of it, and ends.
import module from "node:module";
import { coerceError, RunError } from "../../core/errors.ts";
import type { PlanProgress } from "../plan/plan.ts";
import type { PlanMessage, PlanOrder } from "./plan-aside.ts";

const over = new AbortController();
// The parent decides what an interrupt means; a terminal or a supervisor sends it to both.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
process.once("disconnect", () => over.abort(new Error("the command has ended")));
process.once("message", async ({ options, work, cache }: PlanOrder) => {
  if (cache !== undefined) module.enableCompileCache(cache);
  const message = await plan(options, work).catch(describe);
  if (process.connected) process.send?.(message, () => process.disconnect());
});

async function plan(options: PlanOrder["options"], work: string): Promise<PlanMessage> {
  const { planItems } = await import("../plan/plan-items.ts");
  const reading = options.paths.includes("-") ? { ...options, stdin: process.stdin } : options;
  return { type: "plan", plan: await planItems(reading, work, { onProgress: tell, signal: over.signal }) };
}

function tell(progress: PlanProgress): void {
  if (process.connected) process.send?.({ type: "progress", progress } satisfies PlanMessage);
}

function describe(thrown: unknown): PlanMessage {
  const { name, message } = coerceError(thrown);
  const mend = thrown instanceof RunError ? thrown.mend : undefined;
  return { type: "refused", name, message, mend };
}
