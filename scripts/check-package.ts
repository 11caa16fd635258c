// Packs the package, installs it in a folder of its own as a user would, and uses its binary, library and types there.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const USAGE = `usage: node scripts/check-package.ts [--keep]

Packs the package (npm pack), installs the tarball and its dependencies in a temporary folder (npm install, from
npm's cache where it has them), and there: asks the binary for help, embeds three texts with the private Redis against
the simulator of the library entry, searches them, and compiles a TypeScript file that uses the types.
Needs a redis-server. --keep leaves the folder. Exit code 0 when all of it works.`;

const { values } = parseArgs({
  options: { help: { type: "boolean", short: "h" }, keep: { type: "boolean" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const tempDir = mkdtempSync(join(tmpdir(), "sluice-package-"));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  REDIS_URL: "",
  SLUICE_CONFIG: "",
};

const CONSUMER = `
import { createClient, InputError, type SluiceClient } from "sluice";
import { nearest, openResult, readManifest, type RunManifest } from "sluice/results";
import { startSimulator } from "sluice/simulator";
import { loadConfig, ProviderError } from "sluice/toolkit";
const simulator = await startSimulator();
const manifest: RunManifest | undefined = await readManifest("vectors");
const dimensions: number = (await openResult("vectors")).dimensions;
const ids: string[] = (await nearest("vectors", new Float32Array(dimensions).fill(1), 1)).map((hit) => hit.id);
const kinds: readonly string[] = loadConfig().warnings;
// @ts-expect-error: an id is text; were the types not found, this would pass.
const wrong: number | undefined = manifest?.run;
const client: SluiceClient = await createClient();
console.log(wrong, manifest?.items.total, ids, kinds, ProviderError.name, InputError.name, await client.status("none"));
await client.close();
await simulator.close();
`;

const SIMULATOR = `
import { startSimulator, SIMULATOR_API_KEY } from "sluice/simulator";
const simulator = await startSimulator();
console.log(JSON.stringify({ url: simulator.url, key: SIMULATOR_API_KEY }));
process.stdin.on("end", () => simulator.close()).resume();
`;

function runStep(what: string, command: string, args: readonly string[], cwd = tempDir): string {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) throw new Error(`${what}: exit ${status} ${error?.message ?? ""}\n${stdout}\n${stderr}`);
  console.log(`ok  ${what} (${seconds} s)`);
  return stdout;
}

function assertThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected ${what}`);
}

/** Files that must be in the package, and such as must not. */
function checkFiles(listing: string): string {
  const [pack] = JSON.parse(listing) as { filename: string; files: { path: string }[] }[];
  if (!pack) throw new Error("npm pack packed nothing");
  const paths = pack.files.map((file) => file.path);
  for (const requested of [
    "bin/sluice.js",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/redis/private/supervisor.js",
    "dist/web/index.html",
    "README.md",
  ])
    assertThat(paths.includes(requested), `${requested} in the package`);
  assertThat(
    paths.some((path) => path.endsWith("reserve.lua")),
    "Lua files in the package",
  );
  const foreignFiles = paths.filter((path) =>
    /^(src|test|scripts)\/|\.tsx?$(?<!\.d\.ts)|\.test\.|\.env$|\.map$/.test(path),
  );
  assertThat(foreignFiles.length === 0, `no sources or tests in the package, found ${foreignFiles.join(", ")}`);
  const brokenLinks = listLinks(readFileSync(join(root, "README.md"), "utf8")).filter(
    (link) => !paths.some((path) => path === link || path.startsWith(`${link}/`)),
  );
  assertThat(
    brokenLinks.length === 0,
    `all that the README links to in the package, and ${brokenLinks.join(", ")} is not`,
  );
  return pack.filename;
}

/** Files and folders that a page links to. Pictures are left out: they are as large as the rest, and seen elsewhere. */
function listLinks(markdown: string): string[] {
  const links = [...markdown.matchAll(/(!?)\[[^\]]*\]\(([^)#]+)[^)]*\)/g)];
  return links.flatMap(([, picture, link = ""]) => (picture === "!" || link.includes(":") ? [] : [link]));
}

async function exercisePackage(): Promise<void> {
  const help = runStep("npx sluice --help", "npx", ["--no-install", "sluice", "--help"]);
  assertThat(help.includes("embed"), "the help to name embed");
  writeFileSync(
    join(tempDir, "texts.jsonl"),
    ["the sea", "a lake", "a desk"].map((text) => `${JSON.stringify({ text })}\n`).join(""),
  );
  writeFileSync(join(tempDir, "simulator.mjs"), SIMULATOR);
  const simulator = execFile(process.execPath, ["simulator.mjs"], { cwd: tempDir, env });
  try {
    const [line] = await Promise.race([
      new Promise<string[]>((resolve) => simulator.stdout?.once("data", (text: string) => resolve(text.split("\n")))),
      new Promise<never>((_, reject) => simulator.once("exit", () => reject(new Error("the simulator ended")))),
    ]);
    const { url, key } = JSON.parse(line ?? "");
    Object.assign(env, { MINIMAX_BASE_URL: url, MINIMAX_API_KEY: key });
    const model = ["--model", "minimax/embo-01", "--out", "vectors", "--with-text"];
    await promisify(execFile)("npx", ["--no-install", "sluice", "embed", "texts.jsonl", ...model], {
      cwd: tempDir,
      env,
    });
    assertThat(existsSync(join(tempDir, "vectors", "records.parquet")), "records.parquet");
    const found = await promisify(execFile)("npx", ["--no-install", "sluice", "search", "vectors", "sea"], {
      cwd: tempDir,
      env,
    });
    assertThat(found.stdout.split("\n")[0]?.includes("#") || found.stdout.includes("the sea"), "the sea to be found");
    console.log("ok  embed and search against the library's simulator");
  } finally {
    simulator.stdin?.end();
  }
  const { exports } = JSON.parse(readFileSync(join(tempDir, "node_modules/sluice/package.json"), "utf8"));
  assertThat(existsSync(join(tempDir, "node_modules/sluice", exports["."].types)), "the types that package.json names");
}

try {
  const listing = runStep("npm pack", "npm", ["pack", "--json", "--silent", "--pack-destination", tempDir], root);
  const tarball = checkFiles(listing.slice(listing.indexOf("[")));
  writeFileSync(join(tempDir, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  runStep("npm install of the tarball", "npm", ["install", ...quiet, join(tempDir, tarball)]);
  await exercisePackage();
  writeFileSync(join(tempDir, "consumer.ts"), CONSUMER);
  const options = ["--strict", "--module", "nodenext", "--target", "es2024", "--types", "node", "--skipLibCheck"];
  const types = ["--typeRoots", join(root, "node_modules/@types"), "--outDir", join(tempDir, "out")];
  runStep("tsc of a file that uses the types", join(root, "node_modules/.bin/tsc"), [
    ...options,
    ...types,
    "consumer.ts",
  ]);
  runStep("the compiled file runs", process.execPath, [join(tempDir, "out", "consumer.js")]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  if (values.keep) console.log(tempDir);
  else rmSync(tempDir, { recursive: true, force: true });
}
