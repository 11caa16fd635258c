import { writeFile } from "node:fs/promises";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import {
  describeComparedEvaluations,
  formatAnnotations,
  formatJunit,
  formatMarkdown,
} from "#src/cli/wiring/evaluation/describe-compared-evaluations.ts";
import { isInGithubActions } from "#src/config/config.ts";
import { describeReadError } from "#src/core/describe-path.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { compareEvaluations, type EvaluationComparison } from "#src/evaluation/compare/compare-evaluations.ts";
import { checkGate, parseGate } from "#src/evaluation/compare/gate.ts";
import { readEvaluation } from "#src/producer/run-kinds/evaluation/read-evaluation.ts";
import type { compareCommand } from "./definition.ts";

/** `sluice compare` */
export async function runCompare(
  dirs: readonly string[],
  options: OptionValues<typeof compareCommand>,
): Promise<number> {
  const gates = (options.gate ?? []).map(parseGate);
  const [baseline, ...others] = await Promise.all(dirs.map(readEvaluation));
  if (baseline === undefined || others.length === 0)
    throw new RunError("compare needs two or more folders", "Name the baseline first, then what to compare with it.");
  const compared = compareEvaluations(baseline, others, options);
  const gateResults = gates.flatMap((gate) => checkGate(gate, compared.comparisons));
  const evaluations = [baseline, ...others].map(({ dir, results }) => ({
    ...{ dir, name: results.name, models: results.models, cost: results.cost, activeMs: results.activeMs },
  }));
  if (options.junit !== undefined) await writeReport(options.junit, formatJunit(gateResults));
  if (options.markdown !== undefined) await writeReport(options.markdown, formatMarkdown(compared, gateResults));
  // On stderr, which GitHub reads as well, so that stdout stays JSON.
  if (isInGithubActions()) process.stderr.write(formatAnnotations(gateResults));
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ evaluations, ...compared, gates: gateResults.map(({ comparison, ...result }) => ({ ...pickKey(comparison), ...result })) })}\n`
      : describeComparedEvaluations(compared, evaluations, gateResults),
  );
  return gateResults.every(({ passed }) => passed) ? EXIT_CODES.ok : EXIT_CODES.gateFailed;
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new RunError(
      `${file} cannot be written: ${describeReadError(error)}`,
      "Choose a file in a folder that exists.",
    );
  }
}

function pickKey({ dir, dataset, prompt, model, scorer, mean, baselineMean }: EvaluationComparison) {
  return { dir, dataset, prompt, model, scorer, mean, baselineMean };
}
