#!/usr/bin/env node
// Starts the command line: from the sources in a checkout (Node runs TypeScript as it is), from dist in a package.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

// Loading takes a moment, in which Ctrl-C must end the command as it does later; commands that have something to bring to
// an end listen themselves.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(130);
  });
}
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `sluice needs Node 22.19 or newer, this is ${process.versions.node}. In a checkout: "npm run bootstrap", then "npx sluice".\n`,
  );
  process.exit(2);
}
// Compiled code is kept for the next start, which then takes half the time: a run starts several processes. It lies in
// our own folder, not in the system's temporary one, where others could put code that would be run; where that folder
// cannot be written, every start compiles.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/sluice", import.meta.url)));
// Runs move gigabytes through short-lived buffers. With the usual young generation (three spaces of 16 MB) those wait
// long for their collection; a small one keeps each process some 60 MB smaller at no cost in time. The flag only
// counts at start-up, so a long-running command starts once more in its own place, where the system can do that.
const YOUNG_GENERATION = "--max-semi-space-size=4";
if (
  ["embed", "batch", "retry", "worker", "up", "dashboard"].includes(process.argv[2] ?? "") &&
  !process.execArgv.includes(YOUNG_GENERATION) &&
  process.send === undefined &&
  typeof process.execve === "function"
) {
  // Writing the output of millions of items makes garbage faster than the collector expects, and the heap would grow to
  // three times what lives in it before it is asked to shrink; at 1.4 times it costs no time that can be measured.
  const flags = [YOUNG_GENERATION, "--heap-growing-percent=40"];
  const args = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  // Without the listener Node would say aloud that this function is experimental.
  process.removeAllListeners("warning");
  process.on("warning", () => undefined);
  // The C library keeps an arena of memory for each thread, and buffers that pass from one to another tear holes into
  // all of them: over a million texts a process grew by 60 MB, and does not with two arenas.
  // biome-ignore lint/style/noProcessEnv: nothing is read from it; it is handed on.
  const environment = { MALLOC_ARENA_MAX: "2", ...process.env };
  process.execve(process.execPath, args, environment);
}
const source = new URL("../src/cli/main.ts", import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href);
await main();
