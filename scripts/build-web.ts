// Bundles the dashboard's pages (src/dashboard/web) into dist/web. Fails if the first view loads 100 KB of script or more.
import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Manifest, type ManifestChunk } from "vite";

const USAGE = `usage: node scripts/build-web.ts [--silent]

Bundles src/dashboard/web into dist/web: hashed names, no inline scripts or styles, nothing from other hosts.
Writes a compressed copy (.br, .gz) next to each file. Prints how much script the first view (the overview) loads,
without and with its charts, uncompressed and compressed.
Exits with code 1 and keeps the old dist/web if a limit is exceeded: 100 KB without charts, 130 KB with charts, or
100 KB compressed with charts.

  --silent     print only errors
  -h, --help   show this help`;

/** Limit for the uncompressed script of the overview without charts, and for its compressed script with charts. */
const FIRST_VIEW_BYTES = 100_000;
/** Limit for the uncompressed script of the overview with charts; the chart library is more than a third of it. */
const WHOLE_VIEW_BYTES = 130_000;
/** Sources of the overview without charts. Other pages are loaded when they are opened. */
const FIRST_VIEW_SOURCES = ["index.html", "overview/overview.tsx"];
const CHARTS = "chart/draw-chart.ts";
const CHART_LIBRARY = "uplot/dist/uPlot.esm.js";

const { values } = parseArgs({
  options: { help: { type: "boolean", short: "h" }, silent: { type: "boolean" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist/web");
const stagingDir = `${out}.${process.pid}`;

try {
  await bundle();
  const firstView = measure(FIRST_VIEW_SOURCES);
  const withCharts = measure([...FIRST_VIEW_SOURCES, CHARTS]);
  const sizeSummary =
    `the first view loads ${formatKilobytes(firstView.bytes)} of script, with its charts ${formatKilobytes(withCharts.bytes)}; ` +
    `${formatKilobytes(firstView.compressed)} and ${formatKilobytes(withCharts.compressed)} compressed`;
  if (firstView.bytes >= FIRST_VIEW_BYTES || withCharts.compressed >= FIRST_VIEW_BYTES) {
    throw new Error(
      `${sizeSummary}; without charts, and compressed with charts, it must be below ${formatKilobytes(FIRST_VIEW_BYTES)}`,
    );
  }
  if (withCharts.bytes >= WHOLE_VIEW_BYTES) {
    throw new Error(`${sizeSummary}; with its charts it must be below ${formatKilobytes(WHOLE_VIEW_BYTES)}`);
  }
  compressAll();
  replaceOutput();
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
    plugins: [
      {
        name: "strip-unused-chart-code",
        transform: (code, id) => (id.endsWith(CHART_LIBRARY) ? stripUnusedChartCode(code) : null),
      },
    ],
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

/**
 * Removes the helpers that the chart library attaches to its constructor (bars, steps, splines, table joins, date
 * formats). The pages only draw lines, so tree shaking then drops the code that nothing references any more.
 */
function stripUnusedChartCode(code: string): string {
  const [from, to] = [code.indexOf("uPlot.assign = "), code.indexOf("export { uPlot as default }")];
  if (from === -1 || to < from) throw new Error(`${CHART_LIBRARY} has changed: update stripUnusedChartCode`);
  return code.slice(0, from) + code.slice(to);
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
