import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { ConfigError } from "#src/core/failures/errors.ts";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import { isDeterministic } from "#src/producer/cache/is-deterministic.ts";
import { listSources } from "#src/producer/input/list-sources.ts";
import {
  type Finding,
  formatLocation,
  type SourceDocument,
  type SourceFile,
  type SourceOptions,
} from "#src/producer/input/source.ts";
import type { ByteTap } from "#src/producer/input/source-bytes.ts";
import { BatchRequestReader } from "#src/producer/openai-batch/batch-request.ts";
import { fingerprintListing } from "#src/producer/plan/fingerprint-sources.ts";
import { type PlanHooks, planWithReader } from "#src/producer/plan/plan-items.ts";
import type { PlannedItem } from "#src/producer/plan/planned-item.ts";
import { type BatchPlan, NO_EMBEDDINGS, type RequestChecker } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { PromptTemplates } from "./prompt-templates.ts";
import { type DatasetRow, readRows } from "./read-rows.ts";
import type { SampleMetadata } from "./sample-metadata.ts";
import type { EvaluationDataset, EvaluationPrompt, EvaluationSpec, SpecModel } from "./spec/evaluation-spec.ts";

/** The input of an evaluation. */
export interface EvaluationSource {
  readonly spec: EvaluationSpec;
  readonly registry: ProviderRegistry;
  readonly checkRequest?: RequestChecker | undefined;
  readonly skipInvalid: boolean;
  readonly cwd: string;
  readonly exclude?: readonly string[];
}

export interface DatasetSummary {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Rows that are used: all, or at most `limit`, chosen with the seed `shuffle` if there is one. */
  readonly items: number;
  readonly limit: number | undefined;
  readonly shuffle: number | undefined;
}

export interface EvaluationPlan extends BatchPlan {
  readonly datasets: readonly DatasetSummary[];
}

/** Must be increased when the same spec and data would be planned differently than before. */
const PLANNING_VERSION = 1;

/**
 * Reads the datasets once and writes one item per row, model, prompt, and sample to a run database in `dir`; all samples of a row
 * are adjacent. Refuses input as `planItems` does, and throws a ConfigError for parameters that a model would reject.
 */
export async function planEvaluation(
  source: EvaluationSource,
  dir: string,
  hooks: PlanHooks = {},
): Promise<EvaluationPlan> {
  const samples = new SamplePlanner(source);
  samples.checkModels();
  const options = sourceOptions(source);
  const plan = await planWithReader(
    {
      read: (file, tap) => samples.read(file, tap),
      fingerprint: (listing) => combineFingerprint(fingerprintListing(options, listing), source),
    },
    { ...options, duplicateKey: createSampleKey },
    dir,
    hooks,
  );
  return {
    ...plan,
    endpoint: "/v1/chat/completions",
    models: [...new Set(source.spec.models.map(({ model }) => model))],
    ...NO_EMBEDDINGS,
    adjustments: [...samples.adjustments],
    datasets: plan.isAccepted ? await samples.summarize() : [],
  };
}

/** The fingerprint that `planEvaluation` would compute, without reading the datasets. */
export async function fingerprintEvaluation(source: EvaluationSource): Promise<string> {
  const options = sourceOptions(source);
  return combineFingerprint(fingerprintListing(options, await listSources(options)), source);
}

function combineFingerprint(fingerprint: string, { spec }: EvaluationSource): string {
  return createHash("sha256")
    .update(JSON.stringify([PLANNING_VERSION, fingerprint, spec.generationHash]))
    .digest("hex");
}

/** Equal requests get the same answer if it is deterministic, but samples of one row are different answers. */
function createSampleKey({ text, metadata }: PlannedItem): string | undefined {
  return isDeterministic(text) ? `${metadata?.sample} ${metadata?.model}\n${text}` : undefined;
}

function sourceOptions({ spec, skipInvalid, cwd, exclude }: EvaluationSource): SourceOptions {
  const paths = spec.datasets.map(({ path }) => {
    const shown = relative(cwd, path);
    return shown.startsWith("..") ? path : shown;
  });
  return { paths, idField: "id", textField: "", chunk: undefined, skipInvalid, cwd, ...(exclude && { exclude }) };
}

/** Turns rows of datasets into requests. */
class SamplePlanner {
  readonly adjustments = new Set<string>();
  readonly #source: EvaluationSource;
  readonly #templates = new PromptTemplates();
  readonly #reader: BatchRequestReader;
  readonly #counts = new Map<string, number>();

  constructor(source: EvaluationSource) {
    this.#source = source;
    this.#reader = new BatchRequestReader(undefined, source.registry);
  }

  /** Throws a ConfigError with the parameters that models would reject, before any row is read. */
  checkModels(): void {
    const { spec } = this.#source;
    const problems = spec.models.flatMap((model, i) => {
      const found = this.#toRequest("check", model, [{ role: "user", content: "check" }]);
      return typeof found === "string" ? [spec.locate(["models", i], `${model.label}: ${found}`)] : [];
    });
    if (problems.length > 0) throw new ConfigError(problems);
  }

  async *read(file: SourceFile, tap: ByteTap): AsyncGenerator<readonly Finding[]> {
    const dataset = this.#source.spec.datasets.find(({ path }) => path === file.path);
    if (dataset === undefined) throw new RangeError(`no dataset has the path ${file.path}`);
    for await (const findings of readRows(dataset, file, tap, this.#templates)) {
      yield findings.flatMap((finding) => ("row" in finding ? this.#toFindings(finding.row, dataset, file) : finding));
    }
  }

  async summarize(): Promise<DatasetSummary[]> {
    return await Promise.all(
      this.#source.spec.datasets.map(async ({ name, path, limit, shuffle }) => ({
        ...{ name, path, ...(await hashFile(path)) },
        ...{ items: this.#counts.get(name) ?? 0, limit, shuffle },
      })),
    );
  }

  #toFindings(row: DatasetRow, dataset: EvaluationDataset, { displayPath }: SourceFile): Finding[] {
    const { models, prompts, samples } = this.#source.spec;
    this.#counts.set(dataset.name, (this.#counts.get(dataset.name) ?? 0) + 1);
    const documents: Finding[] = [];
    const problems = new Set(row.problems);
    for (const prompt of prompts) {
      const messages = this.#render(prompt, row);
      if (typeof messages === "string") {
        problems.add(`prompt "${prompt.name}": ${messages}`);
        continue;
      }
      for (const model of models) {
        const request = this.#toRequest(row.id, model, messages);
        if (typeof request === "string") problems.add(request);
        else
          for (let sample = 1; sample <= samples; sample += 1)
            documents.push({ document: this.#toDocument({ row, dataset, prompt, model, sample }, request) });
      }
    }
    // A row that a model cannot be asked is left out for all, so that models are compared on the same items.
    if (problems.size === 0) return documents;
    return [{ problem: { where: formatLocation(displayPath, row.line), message: [...problems].join("; ") } }];
  }

  #render(prompt: EvaluationPrompt, { fields }: DatasetRow) {
    try {
      return this.#templates.renderPrompt(prompt, fields);
    } catch (error) {
      if (error instanceof TemplateError) return error.message;
      throw error;
    }
  }

  /** The request as JSON, or why it is invalid. */
  #toRequest(id: string, { model, parameters }: SpecModel, messages: readonly unknown[]) {
    const read = this.#reader.read({
      custom_id: id.slice(0, 512),
      method: "POST",
      url: "/v1/chat/completions",
      body: { ...parameters, model, messages },
    });
    if (typeof read === "string") return read;
    if (read.endpoint === "/v1/embeddings") throw new RangeError("a chat request was read as another one");
    const { rejected = [], adjusted = [] } = this.#source.checkRequest?.(model, read.chat) ?? {};
    for (const adjustment of adjusted) this.adjustments.add(adjustment);
    return rejected.length > 0
      ? `${model} would reject this request: ${rejected.join("; ")}`
      : { json: JSON.stringify(read.chat) };
  }

  #toDocument(
    {
      row,
      dataset,
      prompt,
      model,
      sample,
    }: {
      readonly row: DatasetRow;
      readonly dataset: EvaluationDataset;
      readonly prompt: EvaluationPrompt;
      readonly model: SpecModel;
      readonly sample: number;
    },
    { json }: { readonly json: string },
  ): SourceDocument {
    const { datasets, prompts, samples } = this.#source.spec;
    const metadata: SampleMetadata = {
      model: model.model,
      label: model.label,
      dataset: dataset.name,
      item: row.id,
      prompt: prompt.name,
      sample,
      cluster: row.cluster,
      groups: row.groups,
      targets: [...row.targets],
      fields: row.fields,
    };
    const id = [
      ...(datasets.length > 1 ? [dataset.name] : []),
      row.id,
      model.label,
      ...(prompts.length > 1 ? [prompt.name] : []),
      ...(samples > 1 ? [sample] : []),
    ].join(" | ");
    return { id, text: json, record: true, line: row.line, metadata };
  }
}

async function hashFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash("sha256");
  const file = createReadStream(path);
  await pipeline(file, hash);
  return { sha256: hash.digest("hex"), bytes: file.bytesRead };
}
