import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import * as z from "zod";
import { describeReadError, printable } from "#src/core/describe-path.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import type { ScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { PromptTemplates } from "#src/producer/run-kinds/evaluation/prompt-templates.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";
import type { EvaluationDataset, EvaluationPrompt, EvaluationSpec, SpecModel } from "./evaluation-spec.ts";
import { SpecProblems } from "./spec-problems.ts";
import { type SpecContent, specSchema } from "./spec-schema.ts";

/** What a command line changes in a spec. */
export interface SpecOverrides {
  /** Items per dataset. */
  readonly limit?: number | undefined;
  readonly samples?: number | undefined;
  /** Labels or names of the models to use, of those in the spec. */
  readonly models?: readonly string[] | undefined;
}

export interface SpecOptions extends SpecOverrides {
  readonly registry: ProviderRegistry;
  /** Also checks the options of the scorers with it. */
  readonly scorerRegistry?: ScorerRegistry | undefined;
  /** Also requires the files of the datasets, which are not needed for answers that exist. */
  readonly needsDatasets?: boolean | undefined;
}

/**
 * Reads and checks a spec. Throws a ConfigError with all of its problems, each with file, line, and path, in the order of the
 * lines; none quotes texts of the spec. Rows of datasets are checked when they are read.
 */
export function readSpec(file: string, options: SpecOptions): EvaluationSpec {
  const { registry, scorerRegistry, needsDatasets = false, ...overrides } = options;
  const path = resolve(file);
  const label = relative(process.cwd(), path).startsWith("..") ? path : relative(process.cwd(), path);
  const source = readText(path, label);
  const problems = new SpecProblems(label, source);
  const valid = readValidSections(problems);
  const models = readModels(valid.models ?? [], registry, problems);
  const prompts = readPrompts(valid.prompts ?? [], problems);
  const datasets = readDatasets(valid.datasets ?? [], dirname(path), problems);
  if (needsDatasets) requireFiles(datasets, problems);
  const { baseline } = valid;
  if (baseline !== undefined && valid.models && !models.some((model) => model.label === baseline))
    problems.add(["baseline"], `no model has this label; the labels are ${listLabels(models)}`);
  if (scorerRegistry) checkScorers(valid.scorers ?? {}, scorerRegistry, problems);
  problems.throwProblems();
  const data = specSchema.parse(problems.content);
  const { reduce, confidence, scorers } = data;
  return {
    ...{ name: data.name ?? baseNameOf(path), path, label, source, prompts, scorers, reduce, baseline, confidence },
    datasets: datasets.map((dataset) => ({ ...dataset, limit: overrides.limit ?? dataset.limit })),
    models: chooseModels(models, overrides.models),
    samples: overrides.samples ?? data.samples,
    generationHash: hashGeneration(data, overrides),
    locate: (at, message) => problems.describe(at, message),
  };
}

/** The sections without problems in their form; adds those of the others. */
function readValidSections(problems: SpecProblems): Partial<SpecContent> {
  const { success, data, error } = specSchema.safeParse(problems.content);
  if (success) return data;
  for (const issue of error.issues) problems.addIssue(issue);
  const invalid = new Set(error.issues.map(({ path }) => path[0]));
  const content = Object.entries(problems.content ?? {}).filter(([section]) => !invalid.has(section));
  return z.object(specSchema.shape).partial().safeParse(Object.fromEntries(content)).data ?? {};
}

function readModels(models: SpecContent["models"], registry: ProviderRegistry, problems: SpecProblems): SpecModel[] {
  const found = models.map(({ model, label, parameters }, i) => {
    try {
      return { label: label ?? model, model: findChatModel(registry, model), parameters };
    } catch (error) {
      if (!(error instanceof UnknownModelError)) throw error;
      problems.add(["models", i], error.message);
      return { label: label ?? model, model, parameters };
    }
  });
  for (const i of findRepeated(found.map(({ label }) => label)))
    problems.add(["models", i], "another model has this label; give each a label of its own");
  return found;
}

function readPrompts(content: SpecContent["prompts"], problems: SpecProblems): EvaluationPrompt[] {
  const isOnly = content.length === 1;
  const prompts = content.map(({ name, ...prompt }, i) => ({
    ...prompt,
    name: name ?? (isOnly ? "default" : `prompt-${i + 1}`),
  }));
  for (const i of findRepeated(prompts.map(({ name }) => name)))
    problems.add(["prompts", i], "another prompt has this name");
  const templates = new PromptTemplates();
  for (const [i, prompt] of prompts.entries())
    for (const { path, message } of templates.check(prompt)) problems.add(["prompts", i, ...path], message);
  return prompts;
}

function readDatasets(content: SpecContent["datasets"], folder: string, problems: SpecProblems): EvaluationDataset[] {
  const templates = new PromptTemplates();
  const datasets = content.map(({ name, path, ...rest }) => ({
    ...rest,
    name: name ?? baseNameOf(path),
    path: resolve(folder, path),
  }));
  for (const i of findRepeated(datasets.map(({ name }) => name)))
    problems.add(["datasets", i], "another dataset has this name; give each a name of its own");
  for (const i of findRepeated(datasets.map(({ path }) => path)))
    problems.add(["datasets", i, "path"], "another dataset has this path");
  for (const [i, { target }] of datasets.entries()) {
    const problem = typeof target === "string" ? templates.findSyntaxProblem(target) : undefined;
    if (problem !== undefined) problems.add(["datasets", i, "target"], problem);
  }
  return datasets;
}

function requireFiles(datasets: readonly EvaluationDataset[], problems: SpecProblems): void {
  for (const [i, { path }] of datasets.entries())
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
      problems.add(["datasets", i, "path"], `no such file: ${printable(path)}`);
}

function checkScorers(scorers: SpecContent["scorers"], registry: ScorerRegistry, problems: SpecProblems): void {
  for (const [name, { type, ...options }] of Object.entries(scorers)) {
    const { problems: found = [] } = registry.create(name, type, options);
    for (const { path, message } of found) problems.add(["scorers", name, ...path], message);
  }
}

function listLabels(models: readonly SpecModel[]): string {
  return models.map(({ label }) => label).join(", ");
}

function readText(path: string, label: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`${label}: cannot be read: ${describeReadError(error)}`]);
  }
}

/** The full name of the model; throws an UnknownModelError if there is no such chat model. */
function findChatModel(registry: ProviderRegistry, model: string): string {
  const found = registry.findModel(model, "chat");
  return `${found.provider}/${found.model.name}`;
}

function chooseModels(models: readonly SpecModel[], chosen: readonly string[] | undefined): readonly SpecModel[] {
  if (chosen === undefined) return models;
  const unknown = chosen.filter((name) => !models.some(({ label, model }) => label === name || model === name));
  if (unknown.length > 0)
    throw new ConfigError([`--models: the spec has no model ${unknown.join(", ")}; it has ${listLabels(models)}`]);
  return models.filter(({ label, model }) => chosen.includes(label) || chosen.includes(model));
}

/** Hashes everything that decides which calls are made. Scorers and statistics are not part of it. */
function hashGeneration({ datasets, prompts, models, samples }: SpecContent, overrides: SpecOverrides): string {
  const { limit, models: chosen, samples: asked } = overrides;
  const parts = [datasets.map(({ groups: _, cluster: __, target: ___, ...rest }) => rest), prompts, models];
  return createHash("sha256")
    .update(JSON.stringify([...parts, asked ?? samples, limit ?? null, chosen ?? null]))
    .digest("hex");
}

function baseNameOf(path: string): string {
  const last = path.split(/[\\/]/).at(-1) ?? path;
  return last.replace(/(?<=.)\.[^.]+$/, "");
}

/** Indices of names that occurred before. */
function findRepeated(names: readonly string[]): number[] {
  return names.flatMap((name, i) => (names.indexOf(name) < i ? [i] : []));
}
