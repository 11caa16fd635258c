// Benchmark "cache": cost of writing and finding answers in the answer cache.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CacheCost, CacheParams, CacheStepCost } from "./contenders/answer-cache.ts";
import { measureProcess } from "./measure-process.ts";
import { formatMarkdownTable, formatMegabytes, number } from "./table.ts";

export interface CacheBenchOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface CacheRun {
  readonly name: string;
  readonly entries: number;
  readonly floats: number;
  readonly written: CacheCost;
  readonly read: CacheCost;
}

export async function benchCache({ quick, log }: CacheBenchOptions): Promise<readonly CacheRun[]> {
  const checkouts = [["now", fileURLToPath(new URL("../..", import.meta.url))]];
  const { BENCH_BEFORE } = process.env;
  if (BENCH_BEFORE !== undefined) checkouts.unshift(["before", resolve(BENCH_BEFORE)]);
  const runs: CacheRun[] = [];
  for (const [entries, floats] of quick
    ? [[100_000, 256]]
    : [
        [1_000_000, 256],
        [100_000, 1_536],
      ]) {
    for (const [name = "", root = ""] of checkouts) {
      const folder = mkdtempSync(join(tmpdir(), "sluice-bench-cache-"));
      try {
        const params = { root, folder, entries: entries ?? 0, floats: floats ?? 0 };
        const written = await runTask({ ...params, task: "write" });
        const read = await runTask({ ...params, task: "read" });
        runs.push({ name, entries: params.entries, floats: params.floats, written, read });
        log(`${name}, ${number(params.entries)} vectors of ${floats} floats`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  }
  return runs;
}

async function runTask(params: CacheParams): Promise<CacheCost> {
  const script = fileURLToPath(new URL("contenders/answer-cache.ts", import.meta.url));
  const { stdout, exitCode } = await measureProcess([script, JSON.stringify(params)]);
  if (exitCode !== 0) throw new Error(`answer-cache.ts exited with code ${exitCode}`);
  return JSON.parse(stdout) as CacheCost;
}

export function describeCache(runs: readonly CacheRun[]): string {
  const table = formatMarkdownTable(
    [
      "answer cache",
      "inserts/s (CPU)",
      "hits/s (CPU)",
      "misses/s (CPU)",
      "opening",
      "peak memory: writing, reading",
      "event loop blocked: writing, reading",
    ],
    runs.map(({ name, entries, floats, written, read }) => [
      `${name}, ${number(entries)} vectors of ${number(floats)} floats`,
      ...[...written.steps, ...read.steps].map(describeStep),
      `${number(Math.round(read.openMs))} ms`,
      `${formatMegabytes(written.peakRss)}, ${formatMegabytes(read.peakRss)}`,
      `${number(Math.round(written.blockedMs))} ms, ${number(Math.round(read.blockedMs))} ms`,
    ]),
  );
  return `### Answer cache\n\n${table}\n\nBatches of 200. CPU is that of all threads, per answer, including its hash. The longest time in which the event loop did nothing else.`;
}

function describeStep({ count, wallMs, cpuMs }: CacheStepCost): string {
  return `${number(Math.round((count / wallMs) * 1000))} (${number((cpuMs * 1000) / count)} µs)`;
}
