import { resolve } from "node:path";
import { formatLimits } from "#src/cli/format/format-limits.ts";
import { formatBytes, formatCount, formatMany } from "#src/cli/format/format-number.ts";
import { countCachedItems, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { readCsvOptions } from "#src/cli/options/parse-option.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { describeCostEstimate, describeReuse, describeTime, printDryRun } from "#src/cli/wiring/dry-run.ts";
import { listModelLimits } from "#src/cli/wiring/lanes.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCallTime } from "#src/cli/wiring/off-peak.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { estimateCostRange } from "#src/core/money.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { createRunRerankKey } from "#src/producer/cache/run-answer-keys.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { planRerank, type RerankSource } from "#src/producer/run-kinds/rerank/read-queries.ts";
import { createRerankExecution, createRerankPlanner } from "#src/producer/run-kinds/rerank/rerank-kind.ts";
import { estimateMinDurationMs } from "#src/producer/runs/budget/estimate-min-duration.ts";
import type { rerankCommand } from "./definition.ts";

type RerankOptions = OptionValues<typeof rerankCommand>;

/** `sluice rerank` */
export async function runRerank(queries: string, options: RerankOptions): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { provider, model } = config.registry.findModel(options.model, "rerank");
  if (model.kind !== "rerank")
    throw new InputError(
      `${options.model} is no rerank model; "${SUGGESTED_COMMANDS.models()}" lists the models of each kind`,
    );
  const dir = resolve(options.out);
  const documents = options.documents === undefined ? [] : [options.documents];
  const { limit, skipInvalid, idField, textField } = options;
  const fields = { idField, textField, csv: readCsvOptions(options) };
  const input = { ...fields, limit, skipInvalid, stdin: process.stdin, cwd: process.cwd(), exclude: [dir] };
  const source: RerankSource = { queries, documents, provider, model, ...input };
  if (options.dryRun) return await printRerankDryRun(source, config, options);
  const kind = {
    planner: createRerankPlanner(source, options.top),
    ...createRerankExecution(resolveCacheFolder(config, options)),
  };
  return await runInFolder(kind, { paths: [queries, ...documents], dir, force: options.force }, config, options);
}

async function printRerankDryRun(source: RerankSource, config: Config, options: RerankOptions): Promise<number> {
  return await printDryRun(
    (dir) => planRerank(source, dir),
    (plan, dir) => estimateRun(plan, dir, source, config, options),
    (estimate, { bytes, files }) => [
      ["queries", `${formatCount(estimate.queries)} in ${formatMany(files, "file")} (${formatBytes(bytes)})`],
      ["calls", `${formatCount(estimate.calls)}, one per query and group of documents`],
      [estimate.unit, `${formatCount(estimate.estimatedTokens)} (estimated)`],
      ...describeReuse(estimate),
      ["limits", formatLimits(estimate.limits) || "none known"],
      ["time", describeTime(estimate.atLeastMs)],
      ["cost", describeCostEstimate(estimate.cost)],
    ],
    options.json,
  );
}

async function estimateRun(plan: Plan, dir: string, source: RerankSource, config: Config, options: RerankOptions) {
  const { price, documentsPerSearchUnit } = source.model;
  const cached = await countCachedItems(
    resolveCacheFolder(config, options),
    (cache) => createRunRerankKey(cache, options.model),
    dir,
  );
  writeModelNotices(config, [options.model]);
  const at = findCallTime(config, [options.model], options.offPeak, Date.now());
  const input = plan.tokens - plan.duplicateTokens - cached.tokens;
  const calls = plan.items - plan.duplicates - cached.items;
  const lanes = listModelLimits(config, options.model);
  const range = price && estimateCostRange({ ...price, tiers: [] }, { input, output: 0 }, at);
  return {
    items: plan.items,
    queries: plan.documents,
    estimatedTokens: plan.tokens,
    unit: documentsPerSearchUnit === undefined ? "tokens" : "units",
    copies: plan.duplicates,
    cached: cached.items,
    calls,
    // Search units are not tokens.
    atLeastMs: estimateMinDurationMs(lanes, calls, documentsPerSearchUnit === undefined ? input : 0),
    limits: lanes[0] ?? {},
    cost: range && { ...range, currency: price.currency },
  };
}
