import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { ConfigError } from "../../core/errors.ts";
import { type BatchPlan, type BatchSource, planBatch } from "../../producer/batch/plan-batch.ts";
import { batchWork } from "../../producer/run/batch-work.ts";
import { planBatchRun } from "../../producer/run/plan-batch-run.ts";
import type { BatchManifest } from "../../producer/run/run-manifest.ts";
import type { RunStore } from "../../producer/sink/slot-store.ts";
import { findModel } from "../../providers/registry.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import { EXIT } from "../exit.ts";
import { formatBytes, formatCount, formatMany } from "../format/format-number.ts";
import { requireLanes } from "../lanes.ts";
import { openConfig } from "../open-config.ts";
import { type Lanes, type RunCommand, type RunCommandOptions, runInFolder } from "../run-command.ts";
import { readVersion } from "../version.ts";
import { describeProblems } from "./embed-output.ts";

export interface BatchCommandOptions extends RunCommandOptions {
  readonly model?: string;
  readonly limit?: number;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly force: boolean;
}

/** Requests and answers are larger than texts; how many bytes of them are in Redis is bounded as well. */
const DEFAULT_WINDOW = 2_000;

/** `sluice batch`: plan the file's requests, start workers, coordinate, write what OpenAI's Batch API would. */
export async function runBatchFile(path: string, options: BatchCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const source: BatchSource = {
    path,
    model: options.model,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    skipInvalid: options.skipInvalid,
    stdin: process.stdin,
    cwd: process.cwd(),
    exclude: [resolve(options.out)],
  };
  if (options.dryRun) return await printDryRun(source, options.json);
  return await runInFolder(createCommand(source, config, options), config, options);
}

function createCommand(
  source: BatchSource,
  config: Config,
  options: BatchCommandOptions,
): RunCommand<BatchManifest, RunStore<WireRecord>, BatchPlan> {
  return {
    request: {
      paths: [source.path],
      dir: resolve(options.out),
      force: options.force,
      sluiceVersion: readVersion(),
      now: Date.now(),
    },
    planning: planBatchRun(source),
    lanes: ({ models }) => lanesOf(config, models),
    work: (run, { client, keys }) =>
      batchWork(run, { client, keys, now: Date.now, batchInputs: batchInputs(run.manifest) }),
    defaultWindow: DEFAULT_WINDOW,
  };
}

/** The lanes of all models; what is missing for any of them is told at once. */
function lanesOf(config: Config, models: readonly string[]): Lanes {
  const problems = new Set<string>();
  const lanes = models.flatMap((model) => {
    try {
      return requireLanes(config, model);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return [];
    }
  });
  if (problems.size > 0) throw new ConfigError([...problems]);
  return lanes;
}

function batchInputs({ kind, models }: BatchManifest): number {
  const [name] = models;
  return (name !== undefined && findModel(name, kind).model.maxInputs) || 1;
}

/** Plans into a folder that is thrown away, and says what a run would do. Needs no key and no Redis. */
async function printDryRun(source: BatchSource, json: boolean): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), "sluice-dry-"));
  try {
    const plan = await planBatch(source, work);
    if (plan.spool === undefined) {
      process.stderr.write(describeProblems(plan));
      return EXIT.cannotGoOn;
    }
    const { documents: requests, items, tokens, endpoint, models, problemCount, bytes } = plan;
    const dry = { requests, items, estimatedTokens: tokens, endpoint, models, leftOut: problemCount };
    process.stdout.write(
      json
        ? `${JSON.stringify({ event: "dry-run", ...dry })}\n`
        : [
            `requests   ${formatCount(requests)} for ${endpoint} (${formatBytes(bytes)})`,
            ...(items === requests ? [] : [`texts      ${formatCount(items)}`]),
            `models     ${models.join(", ")}`,
            `tokens     ${formatCount(tokens)} of input (estimated)`,
            ...(problemCount > 0
              ? [`left out   ${formatMany(problemCount, "problem")} (--skip-invalid)`]
              : []),
            "Nothing was sent.",
            "",
          ].join("\n"),
    );
    return EXIT.ok;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
