import { isDeepStrictEqual } from "node:util";
import { InputError } from "#src/core/failures/errors.ts";
import type { StoredEvaluation } from "#src/evaluation/results/stored-evaluation.ts";

/** Labels of models that are compared. */
export interface ModelPair {
  readonly baseline: string;
  readonly compared: string;
}

/** The models to compare. Throws an InputError if a label is unknown, or if the evaluations have no label in common. */
export function pairModels(
  baseline: StoredEvaluation,
  other: StoredEvaluation,
  { model, baselineModel }: { readonly model: string | undefined; readonly baselineModel: string | undefined },
): ModelPair[] {
  const [labels, baselineLabels] = [listLabels(other), listLabels(baseline)];
  if (model !== undefined) requireLabel(model, labels, other.dir);
  if (baselineModel !== undefined) requireLabel(baselineModel, baselineLabels, baseline.dir);
  const compared = model === undefined ? labels : [model];
  const pairs = compared
    .map((label) => ({ compared: label, baseline: baselineModel ?? label }))
    .filter((pair) => baselineLabels.includes(pair.baseline));
  if (pairs.length > 0) return pairs;
  throw new InputError(
    `${baseline.dir} has the models ${baselineLabels.join(", ")}, and ${other.dir} has ${labels.join(", ")}; choose what to compare with --model and --baseline-model`,
  );
}

function requireLabel(label: string, labels: readonly string[], dir: string): void {
  if (!labels.includes(label))
    throw new InputError(`${dir} has no model with the label "${label}"; it has ${labels.join(", ")}`);
}

function listLabels({ results }: StoredEvaluation): string[] {
  return results.models.map(({ label }) => label);
}

/**
 * The names of datasets with equal contents, and of datasets of the same name if their contents may differ. Throws an InputError if
 * they must not.
 */
export function pairDatasets(
  baseline: StoredEvaluation,
  other: StoredEvaluation,
  allowDifferent: boolean,
): { readonly baseline: string; readonly compared: string }[] {
  return other.results.datasets.flatMap(({ name, sha256 }) => {
    const equal = baseline.results.datasets.filter((dataset) => dataset.sha256 === sha256);
    const named = baseline.results.datasets.find((dataset) => dataset.name === name);
    const match = equal.find((dataset) => dataset.name === name) ?? equal[0] ?? named;
    if (match === undefined) return [];
    if (match.sha256 !== sha256 && !allowDifferent)
      throw new InputError(
        `the dataset "${name}" has other contents in ${other.dir} than in ${baseline.dir}; compare rows of the same id anyway with --allow-different-datasets`,
      );
    return [{ baseline: match.name, compared: name }];
  });
}

/** What differs between two evaluations apart from their answers, one sentence each. */
export function noteDifferences(
  { dir: baselineDir, results: a }: StoredEvaluation,
  { dir, results: b }: StoredEvaluation,
) {
  const isKnown = (list: readonly { readonly sha256: string }[], sha256: string) =>
    list.some((entry) => entry.sha256 === sha256);
  const scorers = Object.keys(b.scorers).filter((name) => Object.hasOwn(a.scorers, name));
  const changedScorers = scorers.filter((name) => !isDeepStrictEqual(a.scorers[name], b.scorers[name]));
  const prompts = b.prompts.filter(({ name }) => a.prompts.some((prompt) => prompt.name === name));
  const both = `${baselineDir} and ${dir}`;
  return [
    ...changedScorers.map((name) => `the scorer "${name}" is defined differently in ${both}`),
    ...prompts
      .filter(({ sha256 }) => !isKnown(a.prompts, sha256))
      .map(({ name }) => `the prompt "${name}" has different texts in ${both}`),
    ...b.datasets
      .filter(({ sha256 }) => !isKnown(a.datasets, sha256))
      .map(({ name }) => `the dataset "${name}" of ${dir} has other contents than in ${baselineDir}, or is not there`),
    ...(a.reduce === b.reduce
      ? []
      : [`the samples of a row are reduced by ${a.reduce} in ${baselineDir}, by ${b.reduce} in ${dir}`]),
    ...noteMissing(
      "model",
      a.models.map(({ label }) => label),
      b.models.map(({ label }) => label),
      baselineDir,
      dir,
    ),
    ...noteMissing("scorer", Object.keys(a.scorers), Object.keys(b.scorers), baselineDir, dir),
    ...noteMissing(
      "prompt",
      a.prompts.map(({ name }) => name),
      b.prompts.map(({ name }) => name),
      baselineDir,
      dir,
    ),
    ...noteMissing(
      "dataset",
      a.datasets
        .filter(({ name, sha256 }) => !isKnown(b.datasets, sha256) && b.datasets.every((d) => d.name !== name))
        .map(({ name }) => name),
      [],
      baselineDir,
      dir,
    ),
  ];
}

function noteMissing(kind: string, a: readonly string[], b: readonly string[], baselineDir: string, dir: string) {
  return [
    ...a.filter((name) => !b.includes(name)).map((name) => `only ${baselineDir} has the ${kind} "${name}"`),
    ...b.filter((name) => !a.includes(name)).map((name) => `only ${dir} has the ${kind} "${name}"`),
  ];
}
