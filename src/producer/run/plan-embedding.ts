import type { EmbeddingPurpose } from "../../providers/provider.ts";
import { fingerprintSources } from "../plan/fingerprint-sources.ts";
import type { ResultFormat } from "../sink/result-writer.ts";
import type { SourceOptions } from "../sources/source.ts";
import { planAside } from "./plan-aside.ts";
import type { Differences, RunPlanning } from "./prepare-run.ts";
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
    takeUp: async (before) => {
      if (isBatch(before)) return ["it is a run from a file of requests"];
      const differences: string[] = [];
      if (before.model !== `${provider}/${model}`) differences.push(`it uses the model ${before.model}`);
      if (before.type !== purpose) differences.push(`it was made with --type ${before.type}`);
      differences.push(...compareSources(before, sources.paths, await fingerprintSources(sources)));
      if (differences.length > 0) return differences;
      return { ...before, output: { ...before.output, format, withText } };
    },
  };
}

/** How the sources of a run differ from those of a command. What standard input held, nobody can compare. */
export function compareSources(
  { source }: RunManifest,
  paths: readonly string[],
  fingerprint: string,
): Differences {
  if (paths.includes("-") !== source.paths.includes("-")) return ["its input came from elsewhere"];
  if (fingerprint === source.fingerprint) return [];
  return ["its input files, or the options that cut them into items, were different"];
}
