// Compiles src into dist: JavaScript, type declarations, the Lua and JSON files beside their modules, and the dashboard's pages.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `usage: npm run build

Deletes dist, then builds the contents of the npm package there: JavaScript and type declarations of src, copies of the Lua
and JSON files, and the dashboard's pages (dist/web). Exits with code 1 if a step fails; dist is incomplete then.`;

const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
run("node_modules/.bin/tsc", ["-p", "tsconfig.build.json"]);
for (const file of globSync("dist/**/*.d.ts")) rewriteFile(file, file, (text) => text);
for (const file of globSync("src/**/*.ts", { exclude: ["src/dashboard/web/**", "src/**/*.d.ts"] })) {
  // The sources use erasable syntax only, so removing the types yields JavaScript with the same lines and columns.
  rewriteFile(file, file.replace(/^src/, "dist").replace(/\.ts$/, ".js"), (text) => stripTypeScriptTypes(text));
}
for (const file of globSync("src/**/*.{lua,json}", { exclude: ["src/dashboard/web/**"] }))
  cpSync(file, file.replace(/^src/, "dist"));
run(process.execPath, ["scripts/build-web.ts"]);

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (status === 0) return;
  console.error(
    error
      ? `build: cannot run ${command} (${error.message}). Run "npm run bootstrap" first.`
      : `build: ${command} failed, dist is incomplete`,
  );
  process.exit(1);
}

function rewriteFile(from: string, to: string, compile: (text: string) => string): void {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, rewriteImports(compile(readFileSync(from, "utf8")), to));
}

/**
 * Rewrites `#src/a/b.ts` to a relative path, because the package contains no `src`, and `.ts` to `.js`. Only module
 * specifiers match: strings that directly follow `from`, `import` or `import(`.
 */
function rewriteImports(text: string, file: string): string {
  return text.replace(/(\bfrom\s*|\bimport\s*\(?\s*)"(#src\/|\.{1,2}\/)([^"]+)\.ts"/g, (_, keyword, root, path) => {
    if (root !== "#src/") return `${keyword}"${root}${path}.js"`;
    const target = relative(dirname(file), `dist/${path}.js`).replaceAll("\\", "/");
    return `${keyword}"${target.startsWith(".") ? target : `./${target}`}"`;
  });
}
