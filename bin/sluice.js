#!/usr/bin/env node
// Starts the command line: from the sources in a checkout (Node runs TypeScript directly), from dist in a package.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

// Ctrl-C must end the command even while it loads. Commands that have to shut down cleanly add their own listeners.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(130);
  });
}
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `sluice requires Node 24 or later, but this is Node ${process.versions.node}. In a checkout, run "npm run bootstrap", then "npx sluice".\n`,
  );
  process.exit(2);
}
// The compile cache halves the time of the next start, and a run starts several processes. It is in the package's folder
// and not in the system's temporary folder, where other users could plant code. If the folder is not writable, every start
// compiles.
module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/sluice", import.meta.url)));
// Runs move gigabytes through short-lived buffers. With the default young generation (three spaces of 16 MB) these are
// collected late; a small one saves about 60 MB per process at no cost in time. V8 reads the flag only at start-up, so
// long-running commands replace themselves with execve, where the system supports it.
// The API server is not among them: it answers people, who would wait for the many collections of a small young generation.
const LONG_RUNNING = new Set("batch compare dashboard embed eval rerank resume retry score up worker".split(" "));
const YOUNG_GENERATION = "--max-semi-space-size=4";
if (
  LONG_RUNNING.has(process.argv[2] ?? "") &&
  !process.execArgv.includes(YOUNG_GENERATION) &&
  process.send === undefined &&
  typeof process.execve === "function"
) {
  // Writing the output of millions of items creates garbage faster than V8 expects: the heap would grow to three times its
  // live size before a major GC. A factor of 1.4 has no measurable cost.
  // Threads that share the collection of a few megabytes cost more CPU than they save time.
  const flags = [YOUNG_GENERATION, "--no-parallel-scavenge", "--heap-growing-percent=40"];
  const args = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  // Suppresses Node's warning that execve is experimental.
  process.removeAllListeners("warning");
  process.on("warning", () => undefined);
  // The C library has one malloc arena per thread, and buffers that move between threads fragment all of them: over a
  // million texts a process grew by 60 MB. With two arenas it does not.
  // biome-ignore lint/style/noProcessEnv: the environment is only passed on.
  const environment = { MALLOC_ARENA_MAX: "2", ...process.env };
  process.execve(process.execPath, args, environment);
}
const source = new URL("../src/cli/main.ts", import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href);
await main();
