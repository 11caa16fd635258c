// Bundles the dashboard's pages (src/dashboard/web) into dist/web, and the template of evaluation reports into dist/report.html.
// Fails if the first view of the dashboard loads 100 KB of script or more.
import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Manifest, type ManifestChunk } from "vite";
import { bundleReport } from "./build-web/bundle-report.ts";

const USAGE = `usage: node scripts/build-web.ts [--silent]

Bundles src/dashboard/web into dist/web: hashed names, no inline scripts or styles, nothing from other hosts.
Writes a compressed copy (.br, .gz) next to each file. Bundles src/dashboard/web/report, the pages of evaluation reports,
into one file, dist/report.html, with a place for the data. Prints how much script the first view (the overview) loads.
Exits with code 1 and keeps the old dist/web if that is 100 KB or more.

  --silent     print only errors
  -h, --help   show this help`;

/** Limit for the uncompressed script of the overview with its charts. */
const FIRST_VIEW_BYTES = 100_000;
/** Other pages, and dialogs, are loaded when they are opened. */
const FIRST_VIEW_SOURCES = ["index.html", "overview/overview.tsx"];

const { values } = parseArgs({
  options: { help: { type: "boolean", short: "h" }, silent: { type: "boolean" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist/web");
const reportFile = join(root, "dist/report.html");
const stagingDir = `${out}.${process.pid}`;

try {
  await bundle();
  const { bytes, compressed } = measure(FIRST_VIEW_SOURCES);
  const sizeSummary = `the first view loads ${formatKilobytes(bytes)} of script, ${formatKilobytes(compressed)} compressed`;
  if (bytes >= FIRST_VIEW_BYTES) {
    throw new Error(`${sizeSummary}; it must be below ${formatKilobytes(FIRST_VIEW_BYTES)}`);
  }
  compressAll();
  const report = await bundleReport(root);
  replaceOutput();
  // Last and atomically: scripts/bootstrap.sh builds again unless this file is newer than its sources.
  writeFileSync(`${reportFile}.${process.pid}`, report);
  renameSync(`${reportFile}.${process.pid}`, reportFile);
  if (!values.silent) console.log(`dist/web: ${sizeSummary}`);
} catch (error) {
  rmSync(stagingDir, { recursive: true, force: true });
  console.error(`build-web: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** The complete configuration of the bundle; config files in the folder of the pages are ignored. */
async function bundle(): Promise<void> {
  await build({
    configFile: false,
    root: join(root, "src/dashboard/web"),
    base: "./",
    logLevel: "error",
    publicDir: "public",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: stagingDir,
      emptyOutDir: true,
      manifest: true,
      target: "es2022",
      // A data: URL would need an exception in the content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
}

/** Total script size of these sources and their static imports, each file counted once. */
function measure(sources: readonly string[]): { bytes: number; compressed: number } {
  const manifest: Manifest = JSON.parse(readFileSync(join(stagingDir, ".vite/manifest.json"), "utf8"));
  const files = new Set(sources.flatMap((source) => listChunkFiles(manifest, source)));
  let [bytes, compressed] = [0, 0];
  for (const file of files) {
    const code = readFileSync(join(stagingDir, file));
    bytes += code.byteLength;
    compressed += gzipSync(code).byteLength;
  }
  return { bytes, compressed };
}

function compressAll(): void {
  for (const file of globSync("**/*.{js,css,html,svg}", { cwd: stagingDir })) {
    const path = join(stagingDir, file);
    const content = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${path}.br`, brotliCompressSync(content));
  }
}

/** The chunk of a source and its static imports. */
function listChunkFiles(manifest: Manifest, source: string): string[] {
  const chunk: ManifestChunk | undefined = manifest[source];
  if (!chunk) throw new Error(`${source} has no chunk of its own, so the first view cannot be measured`);
  return [chunk.file, ...(chunk.imports ?? []).flatMap((name) => listChunkFiles(manifest, name))];
}

/** Swaps the folders by renaming, so that a running server never sees a partial build. */
function replaceOutput(): void {
  const old = `${stagingDir}.old`;
  rmSync(join(stagingDir, ".vite"), { recursive: true });
  try {
    renameSync(out, old);
  } catch {
    // No previous build.
  }
  renameSync(stagingDir, out);
  rmSync(old, { recursive: true, force: true });
}

function formatKilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
