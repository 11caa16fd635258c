// Runs `sluice embed` for benchmarks: in an empty folder, with a private Redis and a sluice.yaml.
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { type MeasureOptions, measureProcess, type ProcessCost } from "./measure-process.ts";
import type { SimulatorProcess } from "./simulator-process.ts";

export const SLUICE = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));

export interface EmbedParams {
  readonly simulator: SimulatorProcess;
  readonly corpus: string;
  readonly format: "npy" | "parquet";
  readonly workers: number;
  /** Calls in flight per worker. */
  readonly callsPerWorker?: number;
  readonly limits: Readonly<Record<string, number | string>>;
  readonly limit?: number;
}

export interface EmbedCost extends ProcessCost {
  /** From the end of planning to the end of the run, in ms: includes the start of workers and writing the output. */
  readonly runMs: number;
  /** Disk use of the private Redis at the end. */
  readonly redisDiskBytes: number;
  readonly report: {
    readonly items: { readonly succeeded: number };
    readonly calls: { readonly made: number };
  };
}

interface JsonEvent {
  readonly event: string;
  readonly at: string;
  readonly report?: EmbedCost["report"];
}

/** Runs `sluice embed` once, from planning to the output on disk. Rejects if the command fails. */
export async function runEmbedCommand(
  params: EmbedParams,
  options: Pick<MeasureOptions, "onSample" | "onStart"> & { readonly folder?: string } = {},
): Promise<EmbedCost> {
  const folder = options.folder ?? (await makeFolder());
  try {
    await writeSettings(folder, params);
    const cost = await measureProcess(embedArguments(folder, params), {
      ...options,
      cwd: folder,
      env: sluiceEnvironment(params.simulator),
    });
    const events = cost.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonEvent);
    const start = events.find(({ event }) => event === "run-start");
    const end = events.find(({ event }) => event === "run-end");
    if (!start || !end?.report) throw new Error("sluice embed printed no run-start or run-end event");
    return {
      ...cost,
      stdout: "",
      runMs: Date.parse(end.at) - Date.parse(start.at),
      redisDiskBytes: await measureFolderBytes(join(folder, ".sluice", "redis", "data")),
      report: end.report,
    };
  } finally {
    if (options.folder === undefined) removeFolder(folder);
  }
}

export function embedArguments(folder: string, { corpus, format, workers, limit }: EmbedParams): string[] {
  return [
    ...[SLUICE, "embed", corpus, "--model", "minimax/embo-01", "--out", join(folder, "out"), "--json"],
    ...["--format", format, "--workers", String(workers)],
    ...(limit === undefined ? [] : ["--limit", String(limit)]),
  ];
}

export function sluiceEnvironment({ url, apiKey }: SimulatorProcess): Record<string, string> {
  // Empty means unset: settings of the machine must not affect the benchmark.
  return {
    MINIMAX_API_KEY: apiKey,
    MINIMAX_BASE_URL: url,
    REDIS_URL: "",
    HTTPS_PROXY: "",
    SLUICE_CONFIG: "",
  };
}

export async function writeSettings(
  folder: string,
  { limits, callsPerWorker }: Pick<EmbedParams, "limits" | "callsPerWorker">,
): Promise<void> {
  const settings = {
    providers: { minimax: { models: { "embo-01": { limits } } } },
    worker: callsPerWorker === undefined ? undefined : { calls: callsPerWorker },
  };
  // JSON is YAML.
  await writeFile(join(folder, "sluice.yaml"), JSON.stringify(settings, null, 2));
}

async function measureFolderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const each of names) if (each.isFile()) bytes += (await stat(join(each.parentPath, each.name))).size;
  return bytes;
}
