import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import type { EvaluationFindings } from "#src/evaluation/results/results.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import { toDiskError } from "#src/producer/storage/disk.ts";
import type { ScorerCallResult } from "./scorer-calls/count-scorer-calls.ts";
import type { EvaluationSpec } from "./spec/evaluation-spec.ts";

/** `results.json`: the findings of an evaluation, with everything that is needed to reproduce them. */
export interface EvaluationResults extends EvaluationFindings {
  readonly version: 1;
  readonly name: string;
  readonly run: string;
  /** Version that asked the models. */
  readonly sluice: string;
  /** Versions that scored the answers. */
  readonly scoredWith: { readonly sluice: string; readonly node: string };
  readonly scoredAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly spec: { readonly path: string; readonly sha256: string };
  readonly datasets: NonNullable<BatchManifest["evaluation"]>["datasets"];
  readonly prompts: readonly { readonly name: string; readonly sha256: string }[];
  readonly parameters: readonly { readonly label: string; readonly model: string; readonly parameters: unknown }[];
  readonly samples: number;
  readonly scorers: EvaluationSpec["scorers"];
  readonly reduce: string;
  readonly baseline: string | undefined;
  readonly confidence: number;
  readonly calls: BatchManifest["calls"];
  readonly cost: BatchManifest["cost"];
  readonly activeMs: number;
  /** The model calls of scorers, which `calls` and `cost` do not contain. */
  readonly scorerCalls: readonly ScorerCallResult[];
}

export function createResults(
  manifest: BatchManifest,
  spec: EvaluationSpec,
  findings: EvaluationFindings & Pick<EvaluationResults, "scorerCalls">,
  { sluice: scoredWith, now }: { readonly sluice: string; readonly now: number },
): EvaluationResults {
  const { run, sluice, startedAt, finishedAt, evaluation, calls, cost, activeMs } = manifest;
  return {
    version: 1,
    name: spec.name,
    run,
    sluice,
    scoredWith: { sluice: scoredWith, node: process.versions.node },
    startedAt,
    finishedAt,
    scoredAt: new Date(now).toISOString(),
    spec: { path: spec.path, sha256: sha256(spec.source) },
    datasets: evaluation?.datasets ?? [],
    prompts: spec.prompts.map(({ name, ...prompt }) => ({ name, sha256: sha256(JSON.stringify(prompt)) })),
    parameters: spec.models.map(({ label, model, parameters }) => ({ label, model, parameters })),
    samples: evaluation?.samples ?? spec.samples,
    scorers: spec.scorers,
    reduce: spec.reduce,
    baseline: spec.baseline,
    confidence: spec.confidence,
    calls,
    cost,
    activeMs,
    ...findings,
  };
}

/** Writes `results.json`, and a copy of the spec, from which `sluice score` scores the answers again. */
export async function writeResults(dir: string, results: EvaluationResults, spec: EvaluationSpec): Promise<void> {
  try {
    await replaceFile(join(dir, EVALUATION_FILES.spec), spec.source);
    await replaceFile(join(dir, EVALUATION_FILES.results), `${JSON.stringify(results, null, 2)}\n`);
  } catch (error) {
    throw errorCode(error) === undefined ? error : toDiskError(error, dir);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, text, { flush: true });
  await rename(`${path}.tmp`, path);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
