import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { isCause } from "../../core/error-signature.ts";
import { InputError, PROVIDER_ERROR_KINDS, RunError } from "../../core/errors.ts";
import { type FailureCluster, FailureClusters, otherKind } from "../../core/failure-clusters.ts";
import { SPOOL_FILE } from "../../producer/plan/spool-writer.ts";
import { embeddingWork } from "../../producer/run/embedding-work.ts";
import { isBatch, type RunManifest, readManifest } from "../../producer/run/run-manifest.ts";
import { WORK_FOLDER } from "../../producer/sink/open-files.ts";
import { readFailures } from "../../producer/sink/read-failures.ts";
import type { WantedFailures } from "../../producer/sink/take-back-failures.ts";
import { findModel } from "../../providers/registry.ts";
import { readClusters } from "../../queue/run-journal.ts";
import { listRun } from "../../queue/run-list.ts";
import { createKeys } from "../../redis/keys.ts";
import { EXIT } from "../exit.ts";
import { unknownRun } from "../find-run.ts";
import { sanitize } from "../format/sanitize.ts";
import { requireLanes } from "../lanes.ts";
import { modelPrice } from "../model-price.ts";
import { openConfig } from "../open-config.ts";
import { openConfiguredRedis } from "../open-redis.ts";
import { type RunCommandOptions, retryInFolder } from "../run-command.ts";

export interface RetryCommandOptions extends Omit<RunCommandOptions, "out"> {
  /** Kinds of failures, separated by commas; all of them by default. */
  readonly kind?: string;
  /** A cause, as the dashboard names it. */
  readonly cause?: string;
}

const DEFAULT_WINDOW = 5_000;
const KINDS: readonly string[] = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"];

/** `sluice retry`: takes back a run's failures, and lets it go on from there to a new output. */
export async function runRetry(named: string, options: RetryCommandOptions): Promise<number> {
  const asked = { ...parseKinds(options.kind), ...parseCause(options.cause) };
  const config = openConfig(options.config);
  const dir = await findFolder(named, config);
  const manifest = await readManifest(dir);
  if (!manifest) throw new RunError(`${dir} holds no run`, "name a run or its output folder");
  const wanted = await spellOutRest(asked, { dir, manifest }, config);
  if (!hasFailures(manifest, wanted)) {
    process.stderr.write(`${manifest.run} has ${describeNone(wanted)}: nothing to retry.\n`);
    return EXIT.ok;
  }
  await requireWorkFolder(dir);
  const shared = { ...options, out: dir };
  if (isBatch(manifest)) {
    const { retryBatch } = await import("./batch.ts");
    return await retryBatch({ dir, manifest, wanted }, config, shared);
  }
  const { provider, model } = findModel(manifest.model, "embedding");
  const lanes = requireLanes(config, manifest.model);
  return await retryInFolder(
    { dir, manifest, wanted },
    {
      lanes: () => lanes,
      work: (run) =>
        embeddingWork({ ...run, provider, model: model.name, batchInputs: model.maxInputs ?? 1 }),
      price: () => modelPrice(config, manifest.model, "embedding"),
      defaultWindow: DEFAULT_WINDOW,
    },
    config,
    shared,
  );
}

function parseKinds(text: string | undefined): Pick<WantedFailures, "kinds"> {
  if (text === undefined) return {};
  const kinds = text.split(",").map((kind) => kind.trim());
  const unknown = kinds.filter((kind) => !KINDS.includes(kind));
  if (unknown.length > 0) {
    throw new InputError(
      `"${unknown.join(", ")}" is no kind of failure; known: ${KINDS.join(", ")}`,
      "--kind",
    );
  }
  return { kinds: new Set(kinds) };
}

function parseCause(cause: string | undefined): Pick<WantedFailures, "cause"> {
  if (cause === undefined) return {};
  const kind = otherKind(cause);
  if (!isCause(cause) && (kind === undefined || !KINDS.includes(kind))) {
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
async function spellOutRest(
  asked: WantedFailures,
  { dir, manifest }: { readonly dir: string; readonly manifest: RunManifest },
  config: Config,
): Promise<WantedFailures> {
  const kind = asked.cause === undefined ? undefined : otherKind(asked.cause);
  if (kind === undefined) return asked;
  if (asked.kinds?.has(kind) === false) throw new InputError(`"${kind}" is not among the kinds`, "--cause");
  const redis = await openConfiguredRedis(config);
  let known: readonly FailureCluster[];
  try {
    const client = redis.source.connect("commands");
    known = await readClusters(client, createKeys(config.namespace), manifest.run);
  } finally {
    await redis.close();
  }
  const told = known.length > 0 ? known : await countClusters(dir, manifest);
  return { kinds: new Set([kind]), without: new Set(told.map(({ cause }) => cause)) };
}

async function countClusters(dir: string, { items }: RunManifest): Promise<FailureCluster[]> {
  const clusters = new FailureClusters();
  for await (const stored of readFailures(dir, items.total)) {
    for (const { index, failure } of stored) if (failure) clusters.add(index, failure);
  }
  return clusters.list();
}

function describeNone({ kinds, cause, without }: WantedFailures): string {
  if (without !== undefined) return `no items that failed with ${[...(kinds ?? [])].join(", ")}`;
  if (kinds === undefined && cause === undefined) return "no failed items";
  const ofKinds = kinds === undefined ? "" : ` with ${[...kinds].join(", ")}`;
  return `no items that failed${ofKinds}${cause === undefined ? "" : ` of cause ${cause}`}`;
}

/** A run that is not finished may have failures that its last checkpoint does not show yet. */
function hasFailures({ state, failuresByKind }: RunManifest, { kinds }: WantedFailures): boolean {
  if (state !== "finished") return true;
  return Object.entries(failuresByKind).some(([kind, count]) => count > 0 && (kinds?.has(kind) ?? true));
}

/** The output folder that a person named, or the one that Redis knows of the run they named. */
async function findFolder(wanted: string, config: Config): Promise<string> {
  if (await exists(resolve(wanted))) return resolve(wanted);
  const redis = await openConfiguredRedis(config);
  try {
    const run = await listRun(redis.source.connect("commands"), createKeys(config.namespace), wanted);
    if (!run) throw unknownRun(wanted);
    if (run.dir !== undefined && run.host === hostname() && (await exists(run.dir))) return run.dir;
    throw new RunError(
      `the folder of ${wanted} is not on this machine (${run.host ?? "?"}: ${run.dir ?? "unknown"})`,
      "run this command where it is, or name the folder",
    );
  } finally {
    await redis.close();
  }
}

async function requireWorkFolder(dir: string): Promise<void> {
  if (await exists(join(dir, WORK_FOLDER, SPOOL_FILE))) return;
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
