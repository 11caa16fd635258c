import { resolve } from "node:path";
import { text as readText } from "node:stream/consumers";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { truncate } from "#src/cli/format/text-width.ts";
import { embedOnce } from "#src/cli/wiring/embed-once.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { InputError, RunError } from "#src/core/errors.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { findNearest, type Hit } from "#src/producer/search/nearest.ts";

export interface SearchCommandOptions {
  readonly top: number;
  readonly json: boolean;
  readonly config?: string;
}

/** `sluice search`: embeds the text with the run's own model, as a query, and shows the nearest records. */
export async function runSearch(dir: string, text: string, options: SearchCommandOptions): Promise<number> {
  const folder = resolve(dir);
  const manifest = await readManifest(folder);
  if (!manifest) throw new RunError(`${folder} holds no run`, "name the folder that was given as --out");
  if (manifest.state !== "finished") {
    throw new RunError(
      `the run in ${folder} is ${manifest.state}`,
      "run its command again: it goes on where it stopped",
    );
  }
  const query = (text === "-" ? await readText(process.stdin) : text).trim();
  if (query === "") throw new InputError("the text to search for is empty");
  const config = openConfig(options.config);
  const interrupt = listenForInterrupt();
  try {
    const request = { inputs: [query], purpose: "query" as const };
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

/** One hit: score and id, and below it the beginning of its text where the output has texts. */
export function formatHits(hits: readonly Hit[], width: number): string {
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
