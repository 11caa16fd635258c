import { pathToFileURL } from "node:url";
import { parentPort } from "node:worker_threads";
import type { ScriptReply, ScriptRequest } from "./script-runner.ts";

/* Runs a user's JavaScript function in a thread of the script process. Every request gets one reply. */

type UserFunction = (output: string, context: unknown) => unknown;

let last: { readonly key: string; readonly function: Promise<UserFunction> } | undefined;

parentPort?.on("message", async ({ source, output, context }: ScriptRequest) => {
  let reply: ScriptReply;
  try {
    const key = JSON.stringify(source);
    if (last?.key !== key) last = { key, function: load(source) };
    const score = await last.function;
    reply = { status: "returned", value: toPlainData(await score(output, context)) };
  } catch (error) {
    last = undefined;
    reply = { status: "threw", message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
  parentPort?.postMessage(reply);
});
parentPort?.postMessage("ready");

async function load(source: ScriptRequest["source"]): Promise<UserFunction> {
  if (source.file === undefined) return compile(source.code);
  const module: Record<string, unknown> = await import(pathToFileURL(source.file).href);
  const found = module["default"] ?? module["score"];
  if (typeof found !== "function") throw new TypeError("the module exports no function as default or as score");
  return (output, context) => found(output, context);
}

/** An expression, or statements with a `return`; `output` and `context` are in scope. */
function compile(code: string): UserFunction {
  const create = (body: string): UserFunction => {
    const compiled = new Function("output", "context", `return (async () => {${body}\n})()`);
    return (output, context) => compiled(output, context);
  };
  try {
    return create(`return (${code}\n)`);
  } catch {
    return create(code);
  }
}

/** Functions and cycles cannot be sent to another process. */
function toPlainData(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value) ?? "null");
}
