// Packs the package, installs it in an empty project, and uses its binary, library and types there.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const USAGE = `usage: npm run check:package -- [--keep]

Checks that the npm package works in an empty project:
  1. packs it (npm pack) and checks the list of files;
  2. installs the tarball and its dependencies in a temporary folder (npm install, which prefers npm's cache);
  3. runs "sluice --help";
  4. embeds three texts with the private Redis and the simulator of sluice/simulator, and searches the output;
  5. compiles and runs a TypeScript file that uses the library and its types.

Requires redis-server.
  --keep       keep the temporary folder and print its path
  -h, --help   show this help
Exit code: 0 if every step succeeds, otherwise 1.`;

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
import { mcNemarExact } from "sluice/statistics";
import { loadConfig, ProviderError } from "sluice/toolkit";
const simulator = await startSimulator();
const manifest: RunManifest | undefined = await readManifest("vectors");
const dimensions: number = (await openResult("vectors")).dimensions;
const ids: string[] = (await nearest("vectors", new Float32Array(dimensions).fill(1), 1)).map((hit) => hit.id);
const warnings: readonly string[] = loadConfig().warnings;
// @ts-expect-error: the ID is a string; this fails to compile if the types are not found.
const wrong: number | undefined = manifest?.run;
const client: SluiceClient = await createClient();
console.log(wrong, manifest?.items.total, ids, warnings, ProviderError.name, InputError.name, mcNemarExact(8, 1), await client.status("none"));
await client.close();
await simulator.close();
`;

const SIMULATOR = `
import { startSimulator, SIMULATOR_API_KEY } from "sluice/simulator";
const simulator = await startSimulator();
console.log(JSON.stringify({ url: simulator.url, key: SIMULATOR_API_KEY }));
process.stdin.on("end", () => simulator.close()).resume();
`;

function runStep(name: string, command: string, args: readonly string[], cwd = tempDir): string {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) throw new Error(`${name}: exit code ${status} ${error?.message ?? ""}\n${stdout}\n${stderr}`);
  console.log(`ok  ${name} (${seconds} s)`);
  return stdout;
}

function assertThat(condition: boolean, expectation: string): void {
  if (!condition) throw new Error(`expected ${expectation}`);
}

/** Checks which files are in the package, and returns the name of the tarball. */
function checkFiles(listing: string): string {
  const [pack] = JSON.parse(listing) as { filename: string; files: { path: string }[] }[];
  if (!pack) throw new Error("npm pack produced no package");
  const paths = pack.files.map((file) => file.path);
  for (const required of [
    "bin/sluice.js",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/redis/private-server/supervisor.js",
    "dist/web/index.html",
    "dist/report.html",
    "dist/providers/catalogue/models.generated.json",
    "README.md",
  ])
    assertThat(paths.includes(required), `${required} in the package`);
  assertThat(
    paths.some((path) => path.endsWith("reserve.lua")),
    "Lua files in the package",
  );
  const unwanted = paths.filter((path) =>
    /^(src|test|scripts)\/|\.tsx?$(?<!\.d\.ts)|\.test\.|\.env$|\.map$/.test(path),
  );
  assertThat(unwanted.length === 0, `no sources or tests in the package, found ${unwanted.join(", ")}`);
  const brokenLinks = listLinks(readFileSync(join(root, "README.md"), "utf8")).filter(
    (link) => !paths.some((path) => path === link || path.startsWith(`${link}/`)),
  );
  assertThat(
    brokenLinks.length === 0,
    `all link targets of the README in the package, missing ${brokenLinks.join(", ")}`,
  );
  return pack.filename;
}

/** Files and folders that a page links to, without images: these are not packed, because they would double its size. */
function listLinks(markdown: string): string[] {
  const links = [...markdown.matchAll(/(!?)\[[^\]]*\]\(([^)#]+)[^)]*\)/g)];
  return links.flatMap(([, picture, link = ""]) => (picture === "!" || link.includes(":") ? [] : [link]));
}

async function exercisePackage(): Promise<void> {
  const help = runStep("npx sluice --help", "npx", ["--no-install", "sluice", "--help"]);
  assertThat(help.includes("embed"), "the help to list embed");
  writeFileSync(
    join(tempDir, "texts.jsonl"),
    ["the sea", "a lake", "a table"].map((text) => `${JSON.stringify({ text })}\n`).join(""),
  );
  writeFileSync(join(tempDir, "simulator.mjs"), SIMULATOR);
  const simulator = execFile(process.execPath, ["simulator.mjs"], { cwd: tempDir, env });
  try {
    const [line] = await Promise.race([
      new Promise<string[]>((resolve) => simulator.stdout?.once("data", (text: string) => resolve(text.split("\n")))),
      new Promise<never>((_, reject) => simulator.once("exit", () => reject(new Error("the simulator exited")))),
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
    assertThat(
      found.stdout.split("\n")[0]?.includes("#") || found.stdout.includes("the sea"),
      'the search to find "the sea"',
    );
    console.log("ok  embed and search against the library's simulator");
  } finally {
    simulator.stdin?.end();
  }
  const { exports } = JSON.parse(readFileSync(join(tempDir, "node_modules/sluice/package.json"), "utf8"));
  assertThat(
    existsSync(join(tempDir, "node_modules/sluice", exports["."].types)),
    "the type declarations that package.json declares",
  );
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
  runStep("tsc on a file that uses the types", join(root, "node_modules/.bin/tsc"), [
    ...options,
    ...types,
    "consumer.ts",
  ]);
  runStep("run the compiled file", process.execPath, [join(tempDir, "out", "consumer.js")]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  if (values.keep) console.log(tempDir);
  else rmSync(tempDir, { recursive: true, force: true });
}
