import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { type CacheCommandOptions, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { CoordinatorCommandOptions } from "#src/cli/wiring/command-context.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import type { Config } from "#src/config/config.ts";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ScorerCall } from "#src/evaluation/scorer-call.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createBatchPlanner } from "#src/producer/run-kinds/batch/batch-planner.ts";
import {
  type CallFolder,
  formatCall,
  listCallFolders,
  locateCallFolder,
  readCallIds,
} from "#src/producer/run-kinds/evaluation/scorer-calls/call-folders.ts";
import { listMissingCalls } from "#src/producer/run-kinds/evaluation/scorer-calls/list-missing-calls.ts";
import { StoredCalls } from "#src/producer/run-kinds/evaluation/scorer-calls/stored-calls.ts";
import type { EvaluationSpec } from "#src/producer/run-kinds/evaluation/spec/evaluation-spec.ts";
import { createSpecScorers } from "#src/producer/run-kinds/evaluation/spec/spec-scorers.ts";
import { toDiskError } from "#src/producer/storage/disk.ts";
import { openScorerRegistry } from "./open-scorer-registry.ts";
import { requireEvaluation } from "./score-in-folder.ts";

const MAX_NAME_LENGTH = 100;

type ScorerCallOptions = Omit<CoordinatorCommandOptions, "out" | "commandLine" | "keepDb"> & CacheCommandOptions;

/**
 * Makes the model calls that the scorers of the finished evaluation in `dir` need and that have no answer yet: one run per model,
 * in folders inside `dir`. A run that was interrupted is resumed first. Resolves with the exit code.
 */
export async function makeScorerCalls(
  dir: string,
  spec: EvaluationSpec,
  config: Config,
  options: ScorerCallOptions,
): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  const run = async (folder: CallFolderPaths): Promise<boolean> => {
    const code = await runCalls(dir, folder, spec, config, options);
    const isComplete = code === EXIT_CODES.ok || code === EXIT_CODES.itemsFailed;
    if (code !== EXIT_CODES.ok) exitCode = code;
    return isComplete;
  };
  const wanted = await readMissingCalls(dir, spec, config);
  const unfinished = (await listCallFolders(dir)).filter(({ manifest }) => manifest?.state !== "finished");
  // Also those of a run of which only some calls are still wanted: its other calls are few or none, and may be in flight.
  const resumed = wanted.size === 0 ? [] : await findWanted(unfinished, wanted);
  for (const folder of resumed) if (!(await run(folder))) return exitCode;
  const asked = new Set(resumed.flatMap(({ ids }) => ids));
  const missing = [...wanted].flatMap(([id, call]) => (asked.has(id) ? [] : [call]));
  for (const calls of Map.groupBy(missing, ({ endpoint, model }) => `${endpoint} ${model}`).values())
    if (!(await run(await createCallFolder(dir, calls)))) return exitCode;
  return exitCode;
}

type CallFolderPaths = Pick<CallFolder, "number" | "dir" | "requests">;

async function readMissingCalls(
  dir: string,
  spec: EvaluationSpec,
  config: Config,
): Promise<ReadonlyMap<string, ScorerCall>> {
  const { evaluation } = await requireEvaluation(dir);
  using answers = await StoredCalls.open(dir);
  await using registry = openScorerRegistry(config, dirname(evaluation.spec), answers);
  const scorers = createSpecScorers(spec, registry).filter(({ calls }) => calls !== undefined);
  return scorers.length === 0 ? new Map() : await listMissingCalls(dir, scorers, answers);
}

/** The runs with a call that is still wanted, and the ids of all of their calls. */
async function findWanted(folders: readonly CallFolder[], wanted: ReadonlyMap<string, ScorerCall>) {
  const found: (CallFolder & { readonly ids: readonly string[] })[] = [];
  for (const folder of folders) {
    const ids = await readCallIds(folder.requests);
    if (ids.some((id) => wanted.has(id))) found.push({ ...folder, ids });
  }
  return found;
}

/** Writes the calls as the requests of a run. */
async function createCallFolder(dir: string, calls: readonly ScorerCall[]): Promise<CallFolderPaths> {
  const last = (await listCallFolders(dir)).at(-1)?.number ?? 0;
  const folder = locateCallFolder(dir, last + 1);
  try {
    await mkdir(dirname(folder.requests), { recursive: true });
    await writeFile(`${folder.requests}.tmp`, calls.map(formatCall), { flush: true });
    await rename(`${folder.requests}.tmp`, folder.requests);
  } catch (error) {
    throw errorCode(error) === undefined ? error : toDiskError(error, dir);
  }
  return folder;
}

async function runCalls(
  dir: string,
  { dir: out, requests }: CallFolderPaths,
  spec: EvaluationSpec,
  config: Config,
  options: ScorerCallOptions,
): Promise<number> {
  const { registry } = config;
  const source = { path: requests, model: undefined, registry, checkRequest: createRequestChecker(config) };
  const kind = {
    planner: createBatchPlanner({ ...source, skipInvalid: false, cwd: process.cwd() }),
    ...createBatchExecution({
      findMaxInputs: createMaxInputsFinder(registry),
      cache: resolveCacheFolder(config, options),
    }),
  };
  const maxCost = options.maxCost === undefined ? {} : { maxCost: await findRemainingCost(dir, out, options.maxCost) };
  const coordinator = { ...options, ...maxCost, out, keepDb: true, commandLine: undefined };
  return await runInFolder(kind, { paths: [requests], dir: out, force: false }, config, {
    ...omitUndefined(coordinator),
    name: `${options.name ?? spec.name}: calls of scorers`.slice(0, MAX_NAME_LENGTH),
  });
}

/** What the run in `current` may cost in total. Throws a RunError if the costs cannot be compared. */
async function findRemainingCost(dir: string, current: string, maxCost: number): Promise<number> {
  const { manifest } = await requireEvaluation(dir);
  const others = (await listCallFolders(dir)).filter((folder) => folder.dir !== current);
  const costs = [manifest, ...others.flatMap((folder) => folder.manifest ?? [])].map(({ cost }) => cost);
  const currencies = new Set(costs.flatMap((cost) => cost?.currency ?? []));
  if (currencies.size > 1)
    throw new RunError(
      `--max-cost needs one currency, and the models and scorers have prices in ${[...currencies].join(" and ")}`,
      "Run the same command without --max-cost.",
    );
  return Math.max(0, maxCost - costs.reduce((sum, cost) => sum + (cost?.amount ?? 0), 0));
}
