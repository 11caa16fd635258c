import type { SourceOptions } from "#src/producer/input/source.ts";
import type { ResultFormat } from "#src/producer/output/result-writer.ts";
import { fingerprintSources } from "#src/producer/plan/fingerprint-sources.ts";
import { matchesPlannedInput } from "#src/producer/plan/stdin-digest.ts";
import type { Differences, PrepareHooks, RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { type EmbeddingManifest, isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { EmbeddingPurpose } from "#src/providers/provider.ts";
import { planInChildProcess } from "./plan-in-child-process.ts";

export interface EmbeddingRunOptions {
  readonly sources: SourceOptions;
  /** Output folder, absolute. */
  readonly dir: string;
  readonly provider: string;
  readonly model: string;
  /** Dimensions of the vectors, where known. */
  readonly dimensions?: number;
  /** Dimensions that calls ask for; by default the provider chooses. */
  readonly askedDimensions?: number;
  readonly purpose: EmbeddingPurpose;
  readonly format: ResultFormat;
  readonly withText: boolean;
}

/** Plans a run that embeds documents and records with one model. */
export function createEmbeddingPlanner(request: EmbeddingRunOptions): RunPlanner<EmbeddingManifest> {
  const { dir, provider, model, dimensions, askedDimensions, purpose, format, withText } = request;
  const sources = { ...request.sources, exclude: [dir] };
  const fullName = `${provider}/${model}`;
  return {
    models: [fullName],
    plan: (target, hooks) => planInChildProcess(sources, target, hooks),
    createManifest: (_, createBase) => ({
      ...createBase("embedding"),
      kind: "embedding",
      model: fullName,
      type: purpose,
      dimensions,
      askedDimensions,
      output: { format, withText, files: [] },
    }),
    matchExistingRun: async (existing, hooks) => {
      if (isBatch(existing)) return [`it is a ${existing.kind === "rerank" ? "rerank" : "batch"} run`];
      const differences: string[] = [];
      if (existing.model !== fullName) differences.push(`it uses the model ${existing.model}`);
      if (existing.type !== purpose) differences.push(`it was started with --type ${existing.type}`);
      if (existing.askedDimensions !== askedDimensions) {
        const asked = existing.askedDimensions;
        differences.push(
          `it was started ${asked === undefined ? "without --dimensions" : `with --dimensions ${asked}`}`,
        );
      }
      const fingerprint = await fingerprintSources(sources);
      differences.push(...(await findSourceDifferences(existing, { ...sources, fingerprint }, hooks)));
      if (differences.length > 0) return differences;
      return { ...existing, output: { ...existing.output, format, withText } };
    },
  };
}

/** The sources of a command, as compared with those of an existing run. */
interface ComparedSources extends Pick<SourceOptions, "paths" | "limit" | "stdin"> {
  readonly fingerprint: string;
}

/**
 * How the sources of a run differ from those of a command. Stdin is read and compared unless the run is finished; empty
 * stdin counts as unchanged.
 */
export async function findSourceDifferences(
  { source, state }: RunManifest,
  { paths, fingerprint, limit, stdin }: ComparedSources,
  { signal }: PrepareHooks,
): Promise<Differences> {
  if (paths.includes("-") !== source.paths.includes("-")) return ["only one of them reads stdin"];
  if (fingerprint !== source.fingerprint)
    return ["its input files or its input options were different, or the files have changed since"];
  if (!paths.includes("-") || !source.stdin || !stdin || state === "finished") return [];
  if (await matchesPlannedInput(stdin, source.stdin, { canHaveMore: limit !== undefined, signal })) return [];
  return ["stdin is different from what it was when the run was planned (to resume the run, leave stdin empty)"];
}
