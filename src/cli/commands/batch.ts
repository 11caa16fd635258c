import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { ConfigError } from "../../core/errors.ts";
import { costRange } from "../../core/money.ts";
import { type BatchPlan, type BatchSource, planBatch } from "../../producer/batch/plan-batch.ts";
import { readSpool } from "../../producer/plan/read-spool.ts";
import type { KeyOf } from "../../producer/reuse/answer-key.ts";
import type { CacheFolder } from "../../producer/reuse/open-reuse.ts";
import type { KnownAnswers } from "../../producer/reuse/preview-reuse.ts";
import { requestKeys, textKeys } from "../../producer/reuse/run-keys.ts";
import { batchWork } from "../../producer/run/batch-work.ts";
import { splitName } from "../../producer/run/chat-jobs.ts";
import { type CostEstimate, estimateChatCost } from "../../producer/run/estimate-cost.ts";
import { planBatchRun } from "../../producer/run/plan-batch-run.ts";
import type { BatchManifest } from "../../producer/run/run-manifest.ts";
import type { RunStore } from "../../producer/sink/slot-store.ts";
import type { WantedFailures } from "../../producer/sink/take-back-failures.ts";
import { findModel } from "../../providers/registry.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import { type CacheCommandOptions, cachedItems, cacheFolder, reuseOf } from "../cache-option.ts";
import { EXIT } from "../exit.ts";
import { formatBytes, formatCount, formatMany } from "../format/format-number.ts";
import { requireLanes } from "../lanes.ts";
import { commonPrice, modelPrice } from "../model-price.ts";
import { openConfig } from "../open-config.ts";
import {
  type Lanes,
  type RunCommand,
  type RunCommandOptions,
  retryInFolder,
  runInFolder,
} from "../run-command.ts";
import { readVersion } from "../version.ts";
import { describeCost, describeProblems, describeSaving } from "./embed-output.ts";

export interface BatchCommandOptions extends RunCommandOptions, CacheCommandOptions {
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
    limit: options.limit,
    skipInvalid: options.skipInvalid,
    stdin: process.stdin,
    cwd: process.cwd(),
    exclude: [resolve(options.out)],
  };
  if (options.dryRun) return await printDryRun(source, config, options);
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
    ...batchParts(config, cacheFolder(config, options)),
  };
}

/** What does not depend on where the requests came from. */
function batchParts(
  config: Config,
  cache?: CacheFolder,
): Omit<RunCommand<BatchManifest, RunStore<WireRecord>, BatchPlan>, "request" | "planning"> {
  return {
    lanes: ({ models }) => lanesOf(config, models),
    work: (run, link) =>
      batchWork(run, {
        client: link.client,
        keys: link.keys,
        now: Date.now,
        batchInputs: batchInputs(run.manifest),
        ...reuseOf(cache, link),
      }),
    price: ({ models, kind }) => commonPrice(config, models, kind),
    defaultWindow: DEFAULT_WINDOW,
  };
}

/** `sluice retry` of a run from a file of requests. */
export async function retryBatch(
  found: {
    readonly dir: string;
    readonly manifest: BatchManifest;
    readonly wanted: WantedFailures;
  },
  config: Config,
  options: RunCommandOptions,
): Promise<number> {
  lanesOf(config, found.manifest.models);
  return await retryInFolder(found, batchParts(config), config, options);
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
  return kind === "chat" ? 1 : maxInputs(models);
}

/** Of the one model that embeds. */
function maxInputs([name]: readonly string[]): number {
  return (name !== undefined && findModel(name, "embedding").model.maxInputs) || 1;
}

/** Plans into a folder that is thrown away, and says what a run would do. Needs no key and no Redis. */
async function printDryRun(
  source: BatchSource,
  config: Config,
  { json, ...options }: BatchCommandOptions,
): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), "sluice-dry-"));
  try {
    const plan = await planBatch(source, work);
    if (plan.spool === undefined) {
      process.stderr.write(describeProblems(plan));
      return EXIT.cannotGoOn;
    }
    const { documents: requests, items, copies, tokens, endpoint, models, problemCount, bytes } = plan;
    const keys = (cache: CacheFolder) => keysOf(plan, cache);
    const known = await cachedItems(cacheFolder(config, options), keys, plan.spool);
    const cached = known.items;
    const cost = await estimateCost(plan, known, plan.spool, config);
    const perCall = endpoint === "/v1/embeddings" ? maxInputs(models) : 1;
    const calls = Math.ceil((items - copies - cached) / perCall);
    const dry = {
      requests,
      items,
      estimatedTokens: tokens,
      copies,
      cached,
      calls,
      endpoint,
      models,
      cost,
      leftOut: problemCount,
    };
    process.stdout.write(
      json
        ? `${JSON.stringify({ event: "dry-run", ...dry })}\n`
        : [
            `requests   ${formatCount(requests)} for ${endpoint} (${formatBytes(bytes)})`,
            ...(items === requests ? [] : [`texts      ${formatCount(items)}`]),
            `models     ${models.join(", ")}`,
            `tokens     ${formatCount(tokens)} of input (estimated)`,
            ...describeSaving({ copies, cached }),
            `calls      ${formatCount(calls)}`,
            `cost       ${describeCost(cost)}`,
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

/** Texts have only their tokens to pay for; answers are estimated request by request. */
async function estimateCost(
  { endpoint, models, tokens, copies, copiedTokens, items }: BatchPlan,
  known: KnownAnswers,
  spool: string,
  config: Config,
): Promise<CostEstimate | undefined> {
  if (endpoint === "/v1/embeddings") {
    const price = commonPrice(config, models, "embedding");
    const range = price && costRange(price, { input: tokens - copiedTokens - known.tokens, output: 0 });
    return range && { ...range, currency: price.currency };
  }
  const priced = new Map(
    models.map((name) => {
      const { maxOutputTokens } = findModel(name, "chat").model;
      return [name, { price: modelPrice(config, name, "chat"), maxOutputTokens }];
    }),
  );
  const estimate = await estimateChatCost(
    readSpool(spool),
    items,
    ({ metadata }) => priced.get(String(metadata?.model)) ?? { price: undefined, maxOutputTokens: undefined },
  );
  // Requests that are answered already are taken to be like the others.
  const share = items > copies ? 1 - known.items / (items - copies) : 1;
  return estimate && scaleRange(estimate, share);
}

function scaleRange({ low, expected, high, currency }: CostEstimate, share: number): CostEstimate {
  return { low: low * share, expected: expected * share, high: high * share, currency };
}

/** As the run's own work makes them. */
function keysOf({ endpoint, models, askedDimensions }: BatchPlan, cache: CacheFolder): KeyOf {
  if (endpoint !== "/v1/embeddings") return requestKeys(cache);
  const [name = ""] = models;
  const [provider, model] = splitName(name);
  return textKeys(cache, { provider, model, purpose: "db", dimensions: askedDimensions });
}
