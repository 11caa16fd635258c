// Bundles the dashboard's pages (src/dashboard/web) into dist/web, and refuses a first view of 100 KB of script or more.
import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Manifest, type ManifestChunk } from "vite";

const USAGE = `usage: node scripts/build-web.ts [--silent]

Bundles src/dashboard/web into dist/web: hashed names, no inline script or style, nothing from other hosts.
Beside each file lies the same compressed (.br, .gz), for a server that finds it there. Prints how much script the first
view loads: the overview's figures, and then its charts too, as it is and compressed.
Exit code 1, and the old dist/web stays, when it is 100 KB or more before the charts, or compressed and with them, or
130 KB or more with them as it is.
--silent prints only problems.`;

/** For the script that draws the overview's figures as it is, and for all that the overview loads as it is sent. */
const FIRST_VIEW_BYTES = 100_000;
/** For all that the overview loads as it is: more than a third of it is the chart library. */
const WHOLE_VIEW_BYTES = 130_000;
/** Loaded to draw the overview's figures; everything else waits until its page is opened. */
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
    throw new Error(`${sizeSummary}; the first and the last must stay below ${formatKilobytes(FIRST_VIEW_BYTES)}`);
  }
  if (withCharts.bytes >= WHOLE_VIEW_BYTES) {
    throw new Error(`${sizeSummary}; with its charts it must stay below ${formatKilobytes(WHOLE_VIEW_BYTES)}`);
  }
  compressAll();
  replaceOutput();
  if (!values.silent) console.log(`dist/web: ${sizeSummary}`);
} catch (error) {
  rmSync(stagingDir, { recursive: true, force: true });
  console.error(`build-web: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** Everything about the bundle is said here, so that no file in the folder of the pages can change it unseen. */
async function bundle(): Promise<void> {
  await build({
    configFile: false,
    root: join(root, "src/dashboard/web"),
    base: "./",
    logLevel: "error",
    publicDir: "public",
    plugins: [
      {
        name: "lines-only",
        transform: (code, id) => (id.endsWith(CHART_LIBRARY) ? stripUnusedChartCode(code) : null),
      },
    ],
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: stagingDir,
      emptyOutDir: true,
      manifest: true,
      target: "es2022",
      // A data: address would need an exception in the content security policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
}

/**
 * The chart library without what it hangs on its constructor for others: bars, steps and splines, joining of tables,
 * writing of dates. Pages draw lines, and what nobody names any more is left out of the bundle.
 */
function stripUnusedChartCode(code: string): string {
  const [from, to] = [code.indexOf("uPlot.assign = "), code.indexOf("export { uPlot as default }")];
  if (from === -1 || to < from) throw new Error(`${CHART_LIBRARY} is not as it was: see keepLines`);
  return code.slice(0, from) + code.slice(to);
}

/** All script that these sources load, each file once. */
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

/** The chunk of a source and all that it imports statically. */
function listChunkFiles(manifest: Manifest, source: string): string[] {
  const chunk: ManifestChunk | undefined = manifest[source];
  if (!chunk) throw new Error(`no chunk of its own for ${source}: the first view cannot be measured`);
  return [chunk.file, ...(chunk.imports ?? []).flatMap((name) => listChunkFiles(manifest, name))];
}

/** The new folder takes the place of the old one at once: a server that reads it never sees half of it. */
function replaceOutput(): void {
  const old = `${stagingDir}.old`;
  rmSync(join(stagingDir, ".vite"), { recursive: true });
  try {
    renameSync(out, old);
  } catch {
    // There was none.
  }
  renameSync(stagingDir, out);
  rmSync(old, { recursive: true, force: true });
}

function formatKilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
