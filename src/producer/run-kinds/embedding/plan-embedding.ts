import type { SourceOptions } from "#src/producer/input/source.ts";
import type { ResultFormat } from "#src/producer/output/result-writer.ts";
import { fingerprintSources } from "#src/producer/plan/fingerprint-sources.ts";
import { matchesPlannedInput } from "#src/producer/plan/stdin-digest.ts";
import type { Differences, PrepareHooks, RunPlanning } from "#src/producer/runs/prepare-run.ts";
import { type EmbeddingManifest, isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { EmbeddingPurpose } from "#src/providers/provider.ts";
import { planInChildProcess } from "./plan-in-child-process.ts";

export interface EmbeddingRunOptions {
  readonly sources: SourceOptions;
  /** Output folder, absolute. */
  readonly dir: string;
  readonly provider: string;
  readonly model: string;
  readonly dimensions?: number;
  readonly purpose: EmbeddingPurpose;
  readonly format: ResultFormat;
  readonly withText: boolean;
}

/** Plans the items of documents and records, to be embedded by one model. */
export function planEmbedding(request: EmbeddingRunOptions): RunPlanning<EmbeddingManifest> {
  const { dir, provider, model, dimensions, purpose, format, withText } = request;
  const sources = { ...request.sources, exclude: [dir] };
  return {
    plan: (work, hooks) => planInChildProcess(sources, work, hooks),
    createManifest: (_, createBaseManifest) => ({
      ...createBaseManifest("embedding"),
      kind: "embedding",
      model: `${provider}/${model}`,
      type: purpose,
      ...(dimensions === undefined ? {} : { dimensions }),
      output: { format, withText, files: [] },
    }),
    matchExistingRun: async (existing, hooks) => {
      if (isBatch(existing)) return ["it is a run from a file of requests"];
      const differences: string[] = [];
      if (existing.model !== `${provider}/${model}`) differences.push(`it uses the model ${existing.model}`);
      if (existing.type !== purpose) differences.push(`it was made with --type ${existing.type}`);
      const fingerprint = await fingerprintSources(sources);
      differences.push(...(await findSourceDifferences(existing, { ...sources, fingerprint }, hooks)));
      if (differences.length > 0) return differences;
      return { ...existing, output: { ...existing.output, format, withText } };
    },
  };
}

/** The sources of a command, as far as they can be compared with those of a run. */
interface ComparedSources extends Pick<SourceOptions, "paths" | "limit" | "stdin"> {
  readonly fingerprint: string;
}

/**
 * How the sources of a run differ from those of a command. Standard input is read and compared while the run is not
 * finished; one that is empty is taken for what it was.
 */
export async function findSourceDifferences(
  { source, state }: RunManifest,
  { paths, fingerprint, limit, stdin }: ComparedSources,
  { signal }: PrepareHooks,
): Promise<Differences> {
  if (paths.includes("-") !== source.paths.includes("-")) return ["its input came from elsewhere"];
  if (fingerprint !== source.fingerprint)
    return ["its input files, or the options that cut them into items, were different"];
  if (!paths.includes("-") || !source.stdin || !stdin || state === "finished") return [];
  const reading = { canHaveMore: limit !== undefined, ...(signal && { signal }) };
  if (await matchesPlannedInput(stdin, source.stdin, reading)) return [];
  return ["standard input held something else when it was planned (an empty one goes on with what it held)"];
}
