import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { type CoordinatorCommandOptions, retryInFolder } from "#src/cli/wiring/coordinator-command.ts";
import { createUnknownRunError } from "#src/cli/wiring/find-run.ts";
import { requireLanes } from "#src/cli/wiring/lanes.ts";
import { findModelPrice } from "#src/cli/wiring/model-price.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import type { Config } from "#src/config/config.ts";
import { InputError, PROVIDER_ERROR_KINDS, RunError } from "#src/core/errors.ts";
import { isFailureCauseId } from "#src/core/failure-cause.ts";
import { type FailureCause, FailureCauseCounter, parseOtherCause } from "#src/core/failure-cause-counter.ts";
import { ITEMS_FILE } from "#src/producer/plan/items-file-writer.ts";
import { embeddingWork } from "#src/producer/run-kinds/embedding/embedding-work.ts";
import { isBatch, type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { readFailures } from "#src/producer/storage/read-failures.ts";
import type { FailureFilter } from "#src/producer/storage/reset-failures.ts";
import { assertWorkFormatReadable } from "#src/producer/storage/work-format.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readFailureCauses } from "#src/state/runs/run-journal.ts";
import { readListedRun } from "#src/state/runs/run-list.ts";

export interface RetryCommandOptions extends Omit<CoordinatorCommandOptions, "out"> {
  /** Kinds of failures, separated by commas; all of them by default. */
  readonly kind?: string;
  /** A cause, as the dashboard names it. */
  readonly cause?: string;
}

const DEFAULT_WINDOW = 5_000;
const KINDS: readonly string[] = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"];

/** `sluice retry`: takes back a run's failures, and lets it go on from there to a new output. */
export async function runRetry(named: string, options: RetryCommandOptions): Promise<number> {
  const parsedFilter = { ...parseKinds(options.kind), ...parseCause(options.cause) };
  const config = openConfig(options.config);
  const dir = await findFolder(named, config);
  const manifest = await readManifest(dir);
  if (!manifest) throw new RunError(`${dir} holds no run`, "name a run or its output folder");
  const requested = await resolveOtherCause(parsedFilter, { dir, manifest }, config);
  if (!hasFailures(manifest, requested)) {
    process.stderr.write(`${manifest.run} has ${describeNoMatch(requested)}: nothing to retry.\n`);
    return EXIT_CODES.ok;
  }
  await requireWorkFolder(dir);
  const shared = { ...options, out: dir };
  if (isBatch(manifest)) {
    const { retryBatch } = await import("./batch.ts");
    return await retryBatch({ dir, manifest, requested }, config, shared);
  }
  const { provider, model } = config.registry.findModel(manifest.model, "embedding");
  const lanes = requireLanes(config, manifest.model);
  return await retryInFolder(
    { dir, manifest, requested },
    {
      lanes: () => lanes,
      work: (run) => embeddingWork({ ...run, provider, model: model.name, inputsPerCall: model.maxInputs ?? 1 }),
      price: () => findModelPrice(config, manifest.model, "embedding"),
      defaultWindow: DEFAULT_WINDOW,
    },
    config,
    shared,
  );
}

function parseKinds(text: string | undefined): Pick<FailureFilter, "kinds"> {
  if (text === undefined) return {};
  const kinds = text.split(",").map((kind) => kind.trim());
  const unknown = kinds.filter((kind) => !KINDS.includes(kind));
  if (unknown.length > 0) {
    throw new InputError(`"${unknown.join(", ")}" is no kind of failure; known: ${KINDS.join(", ")}`, "--kind");
  }
  return { kinds: new Set(kinds) };
}

function parseCause(cause: string | undefined): Pick<FailureFilter, "cause"> {
  if (cause === undefined) return {};
  const kind = parseOtherCause(cause);
  if (!isFailureCauseId(cause) && (kind === undefined || !KINDS.includes(kind))) {
    throw new InputError(
      `"${sanitize(cause)}" is no cause of failures: it has 12 hex digits, or is other:KIND, and the dashboard shows it; --kind takes kinds`,
      "--cause",
    );
  }
  return { cause };
}

/**
 * "other:KIND" is no cause of its own: it is what has none of the causes that are told apart. Which these are says Redis,
 * as the run's coordinator counted them, and the run's folder once Redis has forgotten.
 */
async function resolveOtherCause(
  parsedFilter: FailureFilter,
  { dir, manifest }: { readonly dir: string; readonly manifest: RunManifest },
  config: Config,
): Promise<FailureFilter> {
  const kind = parsedFilter.cause === undefined ? undefined : parseOtherCause(parsedFilter.cause);
  if (kind === undefined) return parsedFilter;
  if (parsedFilter.kinds?.has(kind) === false) throw new InputError(`"${kind}" is not among the kinds`, "--cause");
  const redis = await openConfiguredRedis(config);
  let known: readonly FailureCause[];
  try {
    const client = redis.source.connect("commands");
    known = await readFailureCauses(client, createKeys(config.namespace), manifest.run);
  } finally {
    await redis.close();
  }
  const knownCauses = known.length > 0 ? known : await countFailureCauses(dir, manifest);
  return { kinds: new Set([kind]), excludedCauses: new Set(knownCauses.map(({ cause }) => cause)) };
}

async function countFailureCauses(dir: string, { items }: RunManifest): Promise<FailureCause[]> {
  const causes = new FailureCauseCounter();
  for await (const stored of readFailures(dir, items.total)) {
    for (const { index, failure } of stored) if (failure) causes.add(index, failure);
  }
  return causes.list();
}

function describeNoMatch({ kinds, cause, excludedCauses }: FailureFilter): string {
  if (excludedCauses !== undefined) return `no items that failed with ${[...(kinds ?? [])].join(", ")}`;
  if (kinds === undefined && cause === undefined) return "no failed items";
  const ofKinds = kinds === undefined ? "" : ` with ${[...kinds].join(", ")}`;
  return `no items that failed${ofKinds}${cause === undefined ? "" : ` of cause ${cause}`}`;
}

/** A run that is not finished may have failures that its last checkpoint does not show yet. */
function hasFailures({ state, failuresByKind }: RunManifest, { kinds }: FailureFilter): boolean {
  if (state !== "finished") return true;
  return Object.entries(failuresByKind).some(([kind, count]) => count > 0 && (kinds?.has(kind) ?? true));
}

/** The output folder that a person named, or the one that Redis knows of the run they named. */
async function findFolder(requested: string, config: Config): Promise<string> {
  if (await exists(resolve(requested))) return resolve(requested);
  const redis = await openConfiguredRedis(config);
  try {
    const run = await readListedRun(redis.source.connect("commands"), createKeys(config.namespace), requested);
    if (!run) throw createUnknownRunError(requested);
    if (run.dir !== undefined && run.host === hostname() && (await exists(run.dir))) return run.dir;
    throw new RunError(
      `the folder of ${requested} is not on this machine (${run.host ?? "?"}: ${run.dir ?? "unknown"})`,
      "run this command where it is, or name the folder",
    );
  } finally {
    await redis.close();
  }
}

async function requireWorkFolder(dir: string): Promise<void> {
  if (await exists(join(dir, WORK_FOLDER, ITEMS_FILE))) return await assertWorkFormatReadable(join(dir, WORK_FOLDER));
  throw new RunError(
    `${join(dir, WORK_FOLDER)} is gone, and with it what a retry needs`,
    "run the command that made this output again, into a new folder or with --force",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
