import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatBytes, formatCount, formatMany, formatMoney, formatPercent } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { type CacheCommandOptions, countCachedItems, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import { describeSavings } from "#src/cli/panel/describe-savings.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { findModelPrice } from "#src/cli/wiring/model-price.ts";
import type { Config } from "#src/config/config.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { type AmountRange, estimateCostRange } from "#src/core/money.ts";
import type { CachedAnswerCounts } from "#src/producer/cache/count-cached-answers.ts";
import type { AnswerCacheSettings } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { planItems } from "#src/producer/plan/plan-items.ts";
import type { EmbeddingRunOptions } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";

const SHOWN_PROBLEMS = 20;

/** What is wrong with the input, file and line first; the whole list is one option away. */
export function describeProblems({ problems, problemCount }: Plan): string {
  const lines = problems
    .slice(0, SHOWN_PROBLEMS)
    .map(({ where, message }) => `  ${sanitize(where)}: ${sanitize(message)}`);
  const more = problemCount - lines.length;
  return [
    `sluice: the input has ${formatMany(problemCount, "problem")}; nothing was sent`,
    ...lines,
    ...(more > 0 ? [`  ... and ${formatCount(more)} more`] : []),
    "  Mend the input, or leave what is bad out with --skip-invalid.",
    "",
  ].join("\n");
}

/** Everything `run.json` tells, for a person. */
export function describeRun(run: RunManifest, dir: string): string {
  const { items, calls, source, output } = run;
  const lines: [string, string][] = [
    ["run", run.run],
    ["state", run.state],
    ["model", isBatch(run) ? run.model : `${run.model} (${run.type})`],
    ...(isBatch(run) ? [["requests", run.endpoint] as [string, string]] : []),
    ["folder", dir],
    ["output", output.files.length > 0 ? output.files.join(", ") : `${output.format}, not written yet`],
    [
      "source",
      `${source.paths.map(sanitize).join(" ")} (${formatMany(source.files, "file")}, ${formatBytes(source.bytes)})`,
    ],
    ["source sha256", source.sha256],
    ...(source.skippedInvalid > 0
      ? [["left out", `${formatMany(source.skippedInvalid, "problem")} (--skip-invalid)`] as [string, string]]
      : []),
    [
      "items",
      `${formatCount(items.total)}: ${formatCount(items.succeeded)} succeeded, ${formatCount(items.failed)} failed, ${formatCount(items.missing)} missing`,
    ],
    ...Object.entries(run.failuresByKind).map(([kind, count]): [string, string] => [`  ${kind}`, formatCount(count)]),
    ["tokens", formatCount(run.tokens)],
    [
      "calls",
      `${formatCount(calls.made)}: ${formatCount(calls.answered)} answered, ${formatCount(calls.failed)} failed (${formatCount(calls.throttled)} throttled), ${formatCount(calls.paidTwice)} paid twice`,
    ],
    ["batch fill", formatPercent(run.batchFill)],
    ...(run.reused ? [["reused", describeSavings(run.reused)] as [string, string]] : []),
    ["snoozes", formatCount(run.snoozes)],
    ...(run.cost ? [["cost", formatMoney(run.cost.amount, run.cost.currency)] as [string, string]] : []),
    ["created", run.createdAt],
    ["finished", run.finishedAt ?? "-"],
    ["time at work", formatDuration(run.activeMs)],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return `${lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}

export interface DryRun {
  readonly items: number;
  readonly documents: number;
  readonly estimatedTokens: number;
  /** Items that are equal to another one and would be delivered with it. */
  readonly copies: number;
  /** Items that the cache has answers for. */
  readonly cached: number;
  readonly calls: number;
  readonly maxInputs: number;
  /** Time the limits alone ask for; undefined without limits. */
  readonly atLeastMs: number | undefined;
  readonly limits: LaneLimits;
  readonly cost: (AmountRange & { readonly currency: string }) | undefined;
}

/** Plans into a folder that is thrown away, and says what a run would do. Needs no key and no Redis. */
export async function printDryRun(
  request: EmbeddingRunOptions,
  config: Config,
  options: { readonly json: boolean } & CacheCommandOptions,
): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), "sluice-dry-"));
  try {
    const plan = await planItems({ ...request.sources, exclude: [request.dir] }, work);
    if (plan.itemsFile === undefined) {
      process.stderr.write(describeProblems(plan));
      return EXIT_CODES.couldNotComplete;
    }
    const { provider, model, purpose } = request;
    const keys = (cache: AnswerCacheSettings) => createRunEmbeddingKey(cache, { provider, model, purpose });
    const known = await countCachedItems(resolveCacheFolder(config, options), keys, plan.itemsFile);
    const dryRun = estimateRun(plan, known, request, config);
    process.stdout.write(
      options.json ? `${JSON.stringify({ event: "dry-run", ...dryRun })}\n` : describeDryRun(dryRun, plan),
    );
    return EXIT_CODES.ok;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function estimateRun(plan: Plan, known: CachedAnswerCounts, request: EmbeddingRunOptions, config: Config): DryRun {
  const { model } = config.registry.findModel(`${request.provider}/${request.model}`);
  const maxInputs = model.maxInputs ?? 1;
  const tokens = plan.tokens - plan.duplicateTokens - known.tokens;
  const calls = Math.ceil((plan.items - plan.duplicates - known.items) / maxInputs);
  const accounts = config.accounts(request.provider);
  const names = accounts.length > 0 ? accounts.map((account) => account.name) : ["default"];
  const lanes = names.map((account) =>
    resolveLaneLimits(config, { provider: request.provider, account, model: request.model }),
  );
  const price = findModelPrice(config, `${request.provider}/${request.model}`, "embedding");
  const range = price && estimateCostRange(price, { input: tokens, output: 0 });
  return {
    items: plan.items,
    documents: plan.documents,
    estimatedTokens: plan.tokens,
    copies: plan.duplicates,
    cached: known.items,
    calls,
    maxInputs,
    atLeastMs: computeTimeAtLimits(lanes, calls, tokens),
    limits: lanes[0] ?? {},
    cost: range && { ...range, currency: price.currency },
  };
}

/** The time that the limits of all lanes together ask for. A first window may be spent at once where pacing allows. */
export function computeTimeAtLimits(lanes: readonly LaneLimits[], calls: number, tokens: number): number | undefined {
  const sum = (field: "requestsPerMinute" | "tokensPerMinute") => {
    const known = lanes.map((lane) => lane[field]);
    return known.every((limit) => limit !== undefined) ? known.reduce((a, b) => a + b, 0) : undefined;
  };
  const [requests, tokenLimit] = [sum("requestsPerMinute"), sum("tokensPerMinute")];
  const isBurst = lanes.every((lane) => lane.pacing !== "even");
  const minutes = [
    ...(requests === undefined ? [] : [calls / requests]),
    ...(tokenLimit === undefined ? [] : [tokens / tokenLimit]),
  ];
  if (minutes.length === 0) return undefined;
  const needed = Math.max(...minutes);
  // In a burst the n-th window begins after n - 1 minutes and is over in a moment.
  return Math.round((isBurst ? Math.max(0, Math.ceil(needed) - 1) : needed) * 60_000);
}

/** Of a dry run: what would not be sent at all. */
export function describeDryRunSavings({ copies, cached }: Pick<DryRun, "copies" | "cached">): string[] {
  return [
    ...(copies > 0 ? [`equal      ${formatMany(copies, "item")} equal to another one, and not sent`] : []),
    ...(cached > 0 ? [`cached     ${formatMany(cached, "item")} answered from the cache`] : []),
  ];
}

/** "about 1.20 CNY (1.02 CNY to 1.38 CNY)" */
export function describeCost(cost: DryRun["cost"]): string {
  if (!cost) return "- (no price known; set one in sluice.yaml)";
  const [low, expected, high] = [cost.low, cost.expected, cost.high].map((amount) =>
    formatMoney(amount, cost.currency),
  );
  return low === high ? `${expected}` : `about ${expected} (${low} to ${high})`;
}

function describeDryRun(dryRun: DryRun, plan: Plan): string {
  const { requestsPerMinute, tokensPerMinute, concurrency } = dryRun.limits;
  const limits = [
    requestsPerMinute === undefined ? [] : [`${formatCount(requestsPerMinute)} requests/min`],
    tokensPerMinute === undefined ? [] : [`${formatCount(tokensPerMinute)} tokens/min`],
    concurrency === undefined ? [] : [`${formatCount(concurrency)} at once`],
  ].flat();
  return [
    `items      ${formatCount(dryRun.items)} from ${formatMany(dryRun.documents, "document")} in ${formatMany(plan.files, "file")} (${formatBytes(plan.bytes)})`,
    `tokens     ${formatCount(dryRun.estimatedTokens)} (estimated)`,
    ...describeDryRunSavings(dryRun),
    `calls      ${formatCount(dryRun.calls)} with up to ${formatMany(dryRun.maxInputs, "text")} each`,
    `limits     ${limits.length > 0 ? limits.join(", ") : "none known"}`,
    `time       ${dryRun.atLeastMs === undefined ? "as fast as the provider answers" : `at least ${formatDuration(dryRun.atLeastMs)} at these limits`}`,
    `cost       ${describeCost(dryRun.cost)}`,
    ...(plan.problemCount > 0 ? [`left out   ${formatMany(plan.problemCount, "problem")} (--skip-invalid)`] : []),
    "Nothing was sent.",
    "",
  ].join("\n");
}
