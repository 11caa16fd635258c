// Preloaded into a server: kills it with SIGKILL before its file operation number KILL_AT in the data folder of the API, and
// reports the operation. Other processes that inherit the environment are not affected.
import { appendFileSync } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const killAt = Number(process.env.KILL_AT);
const report = process.env.KILL_REPORT;
let count = 0;

function beforeOperation(name, args) {
  const path = args.find((arg) => typeof arg === "string" && arg.includes("/.sluice/api/"));
  // Servers look for batches regularly, which changes nothing.
  if (path === undefined || path.endsWith("/active-batches")) return;
  count += 1;
  if (count !== killAt) return;
  appendFileSync(report, `${name} ${path.replace(/.*\/\.sluice\/api\//, "").replace(/[0-9a-f]{12,}/g, "*")}\n`);
  process.kill(process.pid, "SIGKILL");
}

if (process.argv.includes("serve")) {
  for (const name of ["link", "mkdir", "open", "readdir", "rename", "rm", "writeFile"]) {
    const original = promises[name];
    promises[name] = (...args) => {
      beforeOperation(name, args);
      return original.apply(promises, args);
    };
  }
  syncBuiltinESMExports();
}
