import { parentPort } from "node:worker_threads";
import type { PatternRequest, PatternResponse } from "./pattern-runner.ts";

/* Applies regular expressions in a thread of its own, because one of them may need longer than the universe exists. */

let last: { readonly key: string; readonly pattern: RegExp } | undefined;

parentPort?.on("message", ({ source, flags, text, position }: PatternRequest) => {
  const key = `${flags}/${source}`;
  if (last?.key !== key) last = { key, pattern: new RegExp(source, flags) };
  last.pattern.lastIndex = 0;
  const match = position === "first" ? last.pattern.exec(text) : Array.from(text.matchAll(last.pattern)).at(-1);
  parentPort?.postMessage(
    (match ? { groups: [...match], named: { ...match.groups } } : null) satisfies PatternResponse,
  );
});
parentPort?.postMessage("ready");
