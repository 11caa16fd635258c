// Compiles src into dist: JavaScript, type declarations, the Lua files beside their modules, and the dashboard's pages.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
if (values.help) {
  console.log("usage: node scripts/build.ts\n\nCompiles src into dist, which it empties first.");
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });
const { status, error } = spawnSync("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (status !== 0) {
  console.error(error ? `tsc cannot be run (${error.message}): npm run bootstrap` : "dist is not complete");
  process.exit(1);
}
for (const file of globSync("src/**/*.lua")) cpSync(file, file.replace(/^src/, "dist"));
const pages = spawnSync(process.execPath, ["scripts/build-web.ts"], { stdio: "inherit" });
if (pages.status !== 0) process.exit(1);
