import { dirname, join, resolve } from "node:path";
import { readVersion } from "#src/cli/version.ts";
import { requireManifest } from "#src/cli/wiring/find-run.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { findPrices } from "#src/cli/wiring/model-price.ts";
import type { Config } from "#src/config/config.ts";
import { ConfigError, RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import { writeReport } from "#src/producer/run-kinds/evaluation/report/write-report.ts";
import { scoreRun } from "#src/producer/run-kinds/evaluation/score-run.ts";
import { StoredCalls } from "#src/producer/run-kinds/evaluation/scorer-calls/stored-calls.ts";
import type { EvaluationSpec, SpecModel } from "#src/producer/run-kinds/evaluation/spec/evaluation-spec.ts";
import { readSpec, type SpecOptions } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { createSpecScorers } from "#src/producer/run-kinds/evaluation/spec/spec-scorers.ts";
import { createResults, writeResults } from "#src/producer/run-kinds/evaluation/write-results.ts";
import { type BatchManifest, isBatch } from "#src/producer/runs/run-manifest.ts";
import { describeResults } from "./describe-results.ts";
import { openScorerRegistry } from "./open-scorer-registry.ts";

/**
 * Reads a spec with its scorers, before any money is spent; `scorerModels` are the models that scorers call. Throws a ConfigError
 * with all of its problems.
 */
export async function checkSpec(
  file: string,
  config: Config,
  options: Omit<SpecOptions, "registry" | "scorerRegistry">,
): Promise<{ readonly spec: EvaluationSpec; readonly scorerModels: readonly string[] }> {
  const models = new Set<string>();
  const noAnswers = { find: () => undefined };
  await using scorerRegistry = openScorerRegistry(config, dirname(resolve(file)), noAnswers, (name) =>
    models.add(name),
  );
  const spec = readSpec(file, { ...options, registry: config.registry, scorerRegistry });
  return { spec, scorerModels: [...models] };
}

/**
 * Scores the answers of the finished evaluation in `dir`, writes `results.json` and `samples.jsonl`, and prints the results on
 * stdout. Ctrl-C leaves the results of the last scoring.
 */
export async function scoreInFolder(
  dir: string,
  spec: EvaluationSpec,
  { json, config }: { readonly json: boolean; readonly config: Config },
): Promise<void> {
  const { manifest, evaluation } = await requireEvaluation(dir);
  const interrupt = listenForInterrupt();
  try {
    // User code gets no environment variables, which include the keys of providers.
    using answers = await StoredCalls.open(dir);
    const scorerModels = new Set<string>();
    const baseDir = dirname(evaluation.spec);
    await using registry = openScorerRegistry(config, baseDir, answers, (name) => scorerModels.add(name));
    const scorers = createSpecScorers(spec, registry);
    const asked = { ...spec, models: requireModels(spec, evaluation.models) };
    const { findings, scorerCalls, changes } = await scoreRun(dir, {
      ...{ spec: asked, scorers, answers, signal: interrupt.signal },
      prices: findPrices(config, [...manifest.models, ...scorerModels]),
    });
    const results = createResults(
      manifest,
      asked,
      { ...findings, scorerCalls },
      { sluice: readVersion(), now: Date.now() },
    );
    await writeResults(dir, results, spec);
    process.stdout.write(
      json ? `${JSON.stringify({ event: "results", ...results, changes })}\n` : describeResults(results, changes, dir),
    );
    const report = await writeFolderReport(dir, interrupt.signal);
    if (!json && report !== undefined) process.stdout.write(`  ${report}\n`);
  } finally {
    interrupt.dispose();
  }
}

/** The models of the spec that the run asked. */
function requireModels(spec: EvaluationSpec, labels: readonly string[]): readonly SpecModel[] {
  const unknown = labels.filter((label) => !spec.models.some((model) => model.label === label));
  if (unknown.length > 0)
    throw new ConfigError([spec.locate(["models"], `the run asked ${unknown.join(", ")}, which is not in the spec`)]);
  return spec.models.filter(({ label }) => labels.includes(label));
}

interface FinishedEvaluation {
  readonly manifest: BatchManifest;
  readonly evaluation: NonNullable<BatchManifest["evaluation"]>;
}

/** The evaluation in `dir`. Throws a RunError if there is none, or if it is not finished. */
export async function requireEvaluation(dir: string): Promise<FinishedEvaluation> {
  const manifest = await requireManifest(dir);
  if (!isBatch(manifest) || manifest.evaluation === undefined)
    throw new RunError(`${dir} contains no evaluation`, `Start one with "${SUGGESTED_COMMANDS.eval()}".`);
  if (manifest.state !== "finished")
    throw new RunError(
      `the evaluation in ${dir} is not finished, so that its answers cannot be scored yet`,
      `Finish it with "${SUGGESTED_COMMANDS.resume(dir)}".`,
    );
  return { manifest, evaluation: manifest.evaluation };
}

/** The path of the report. One that cannot be written is a warning: everything in it is in the other files. */
async function writeFolderReport(dir: string, signal: AbortSignal): Promise<string | undefined> {
  const path = join(dir, EVALUATION_FILES.report);
  const comparison = { model: undefined, baselineModel: undefined, allowDifferentDatasets: false };
  try {
    await writeReport([dir], path, {
      ...{ language: undefined, comparison, sluice: readVersion(), now: Date.now(), signal },
    });
    return path;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    process.stderr.write(
      `Warning: ${EVALUATION_FILES.report} was not written: ${error.message}. ${error.hint ?? ""}\n`,
    );
    return undefined;
  }
}
