import { resolve } from "node:path";
import { text as readText } from "node:stream/consumers";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { truncate } from "#src/cli/format/text-width.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { embedOnce } from "#src/cli/wiring/embed-once.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { loadConfig } from "#src/config/config.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { findNearest, type Hit } from "#src/producer/search/nearest.ts";
import type { searchCommand } from "./definition.ts";

/** `sluice search`: embeds the text as a query with the run's own model and prints the nearest records. */
export async function runSearch(
  dir: string,
  text: string,
  options: OptionValues<typeof searchCommand>,
): Promise<number> {
  const folder = resolve(dir);
  const manifest = await readManifest(folder);
  if (!manifest) throw CLI_ERRORS.folderWithoutRun(folder);
  if (manifest.state !== "finished") {
    throw CLI_ERRORS.runNotFinished(folder, manifest.state);
  }
  const query = (text === "-" ? await readText(process.stdin) : text).trim();
  if (query === "") throw CLI_ERRORS.emptyQuery();
  const config = loadConfig({ file: options.config });
  const interrupt = listenForInterrupt();
  try {
    const dimensions = manifest.kind === "embedding" ? manifest.askedDimensions : undefined;
    const request = { inputs: [query], purpose: "query" as const, dimensions };
    const { vectors } = await embedOnce(config, manifest.model, request, interrupt.signal);
    const hits = await findNearest(folder, vectors, options.top, { signal: interrupt.signal });
    process.stdout.write(options.json ? formatJson(hits) : formatHits(hits, process.stdout.columns ?? 100));
    return EXIT_CODES.ok;
  } finally {
    interrupt.dispose();
  }
}

function formatJson(hits: readonly Hit[]): string {
  return hits.map((hit) => `${JSON.stringify(hit)}\n`).join("");
}

/** Score and id of each hit, and below them the beginning of its text if the output has texts. */
function formatHits(hits: readonly Hit[], width: number): string {
  if (hits.length === 0) return "No record has a vector.\n";
  return hits
    .map(({ score, id, text }) => {
      const line = `${score.toFixed(3)}  ${sanitize(id)}\n`;
      return text === undefined ? line : `${line}       ${truncate(createExcerpt(text), Math.max(40, width) - 8)}\n`;
    })
    .join("");
}

function createExcerpt(text: string): string {
  return sanitize(text).replace(/\s+/g, " ").trim();
}
