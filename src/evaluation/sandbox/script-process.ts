import { extname } from "node:path";
import { type LimitedResult, LimitedThread } from "./limited-thread.ts";
import type { ScriptReply, ScriptRequest, ScriptStart } from "./script-runner.ts";

/*
 * The process in which JavaScript of users runs. The code itself runs in a thread, so that this one always notices a time-out, too
 * much memory outside of the heap, and the end of the parent process. It replies once to every request.
 */

const CHECK_MEMORY_MS = 50;
/** What the thread needs by itself. */
const THREAD_MB = 64;

const { limits }: ScriptStart = JSON.parse(process.argv[2] ?? "");
const script = new URL(`./script-thread${extname(import.meta.url)}`, import.meta.url);
const thread = new LimitedThread<ScriptRequest, ScriptReply>(script, limits);
const startMb = process.memoryUsage.rss() / 2 ** 20;

process.on("disconnect", () => process.exit());
process.on("message", (request: ScriptRequest) => void answer(request));

async function answer(request: ScriptRequest): Promise<void> {
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() / 2 ** 20 - startMb < limits.memoryMb + THREAD_MB) return;
    send({ status: "failed", reason: `it needed more than ${limits.memoryMb} MB of memory` }, () => process.exit(1));
  }, CHECK_MEMORY_MS);
  const result = await thread.run(request);
  clearInterval(timer);
  send(result);
}

function send(result: LimitedResult<ScriptReply>, then?: () => void): void {
  process.send?.(result, undefined, undefined, then);
}
