import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { locateRunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RunService } from "#src/dashboard/runs/run-service.ts";
import type { SnapshotSampler } from "#src/dashboard/sampling/snapshot-sampler.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import type { EvaluationList, EvaluationView } from "./evaluation-api.ts";
import { type ResultsFile, readResults } from "./read-results.ts";

/** Evaluations in the list; older ones can be opened on the pages of their runs. */
const MAX_LISTED = 200;

interface KnownFolder {
  readonly dir: string | undefined;
  /** False: the folder belongs to another kind of run. */
  readonly isEvaluation: boolean;
  readonly results: ResultsFile | undefined;
}

/** Reads the results of evaluations out of their folders. A file is read again only after it has changed. */
export class EvaluationService {
  readonly #sampler: SnapshotSampler;
  readonly #runService: RunService;
  readonly #known = new Map<string, KnownFolder>();

  constructor(deps: { readonly sampler: SnapshotSampler; readonly runService: RunService }) {
    this.#sampler = deps.sampler;
    this.#runService = deps.runService;
  }

  async list(): Promise<EvaluationList> {
    const { at, runs } = await this.#sampler.readSnapshot();
    const evaluations: EvaluationView[] = [];
    for (const known of runs) {
      if (known.kind !== "chat") continue;
      const view = await this.#read(known);
      if (view) evaluations.push(view);
      if (evaluations.length === MAX_LISTED) break;
    }
    return { at, evaluations: evaluations.sort((a, b) => b.scoredAt - a.scoredAt) };
  }

  /** Throws an HttpError for a run that does not exist, or has no results. */
  async get(run: string): Promise<EvaluationView> {
    const view = await this.#read(await this.#runService.requireRun(run));
    if (view) return view;
    throw new HttpError(ERRORS.notScored);
  }

  async #read(known: RunInfo): Promise<EvaluationView | undefined> {
    const { run, dir, name } = known;
    const before = this.#known.get(run);
    const isSameFolder = before !== undefined && before.dir === dir;
    if (isSameFolder && !before.isEvaluation) return undefined;
    const found = await locateRunFolder(known);
    if (!found.isReadable) {
      this.#known.delete(run);
      return undefined;
    }
    const { folder } = found;
    const isEvaluation = isBatch(folder.manifest) && folder.manifest.evaluation !== undefined;
    const results = isEvaluation
      ? await readResults(folder.dir, { run, name }, isSameFolder ? before.results : undefined)
      : undefined;
    this.#known.set(run, { dir, isEvaluation, results });
    return results?.view;
  }
}
