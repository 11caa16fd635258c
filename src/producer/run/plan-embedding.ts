import type { EmbeddingPurpose } from "../../providers/provider.ts";
import { fingerprintSources } from "../plan/fingerprint-sources.ts";
import { holdsPlanned } from "../plan/stdin-digest.ts";
import type { ResultFormat } from "../sink/result-writer.ts";
import type { SourceOptions } from "../sources/source.ts";
import { planAside } from "./plan-aside.ts";
import type { Differences, PrepareHooks, RunPlanning } from "./prepare-run.ts";
import { type EmbeddingManifest, isBatch, type RunManifest } from "./run-manifest.ts";

export interface EmbeddingRequest {
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
export function planEmbedding(request: EmbeddingRequest): RunPlanning<EmbeddingManifest> {
  const { dir, provider, model, dimensions, purpose, format, withText } = request;
  const sources = { ...request.sources, exclude: [dir] };
  return {
    plan: (work, hooks) => planAside(sources, work, hooks),
    describe: (_, begin) => ({
      ...begin("embedding"),
      kind: "embedding",
      model: `${provider}/${model}`,
      type: purpose,
      ...(dimensions === undefined ? {} : { dimensions }),
      output: { format, withText, files: [] },
    }),
    takeUp: async (before, hooks) => {
      if (isBatch(before)) return ["it is a run from a file of requests"];
      const differences: string[] = [];
      if (before.model !== `${provider}/${model}`) differences.push(`it uses the model ${before.model}`);
      if (before.type !== purpose) differences.push(`it was made with --type ${before.type}`);
      const fingerprint = await fingerprintSources(sources);
      differences.push(...(await compareSources(before, { ...sources, fingerprint }, hooks)));
      if (differences.length > 0) return differences;
      return { ...before, output: { ...before.output, format, withText } };
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
export async function compareSources(
  { source, state }: RunManifest,
  { paths, fingerprint, limit, stdin }: ComparedSources,
  { signal }: PrepareHooks,
): Promise<Differences> {
  if (paths.includes("-") !== source.paths.includes("-")) return ["its input came from elsewhere"];
  if (fingerprint !== source.fingerprint)
    return ["its input files, or the options that cut them into items, were different"];
  if (!paths.includes("-") || !source.stdin || !stdin || state === "finished") return [];
  const reading = { mayGoOn: limit !== undefined, ...(signal && { signal }) };
  if (await holdsPlanned(stdin, source.stdin, reading)) return [];
  return ["standard input held something else when it was planned (an empty one goes on with what it held)"];
}
