import { sanitize } from "#src/cli/format/sanitize.ts";
import type { Config } from "#src/config/config.ts";
import { InputError, PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { isFailureCauseId } from "#src/core/failures/failure-cause.ts";
import { type FailureCause, FailureCauseCounter, parseOtherCause } from "#src/core/failures/failure-cause-counter.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { type FailureFilter, listFailureGroups } from "#src/producer/storage/failure-rows.ts";
import { openRunDatabaseReader } from "#src/producer/storage/run-database.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readFailureCauses } from "#src/state/runs/run-journal.ts";
import { openConfiguredRedis } from "./open-redis.ts";

export interface FailureFilterOptions {
  /** Kinds of failures, separated by commas; all of them by default. */
  readonly kind?: string;
  /** A failure cause, as shown on the dashboard. */
  readonly cause?: string;
}

const KINDS: readonly string[] = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"];

/** Throws an InputError for unknown kinds and causes. */
export function parseFailureFilter({ kind, cause }: FailureFilterOptions): FailureFilter {
  return { kinds: parseKinds(kind), cause: parseCause(cause) };
}

function parseKinds(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const kinds = text.split(",").map((kind) => kind.trim());
  const unknown = kinds.filter((kind) => !KINDS.includes(kind));
  if (unknown.length === 0) return new Set(kinds);
  throw new InputError(`unknown kind "${unknown.join(", ")}": expected ${KINDS.join(", ")}`, "--kind");
}

function parseCause(cause: string | undefined): string | undefined {
  if (cause === undefined || isFailureCauseId(cause) || KINDS.includes(parseOtherCause(cause) ?? "")) return cause;
  throw new InputError(
    `unknown cause "${sanitize(cause)}": expected 12 hex digits or other:KIND, as shown on the dashboard (to filter by kind use --kind)`,
    "--cause",
  );
}

/**
 * Replaces the cause "other:KIND", which stands for all failures of a kind without a cause of their own, by the kind and
 * the causes to exclude. These are the ones that the coordinator counted in Redis or, if Redis has lost them, the ones
 * on disk.
 */
export async function resolveOtherCause(
  filter: FailureFilter,
  { dir, manifest }: { readonly dir: string; readonly manifest: RunManifest },
  config: Config,
): Promise<FailureFilter> {
  const kind = filter.cause === undefined ? undefined : parseOtherCause(filter.cause);
  if (kind === undefined) return filter;
  if (filter.kinds?.has(kind) === false) throw new InputError(`"${kind}" is not one of the kinds in --kind`, "--cause");
  const published = await readPublishedCauses(manifest.run, config);
  const causes = published.length > 0 ? published : countFailureCauses(dir);
  return { kinds: new Set([kind]), excludedCauses: new Set(causes.map(({ cause }) => cause)) };
}

async function readPublishedCauses(run: string, config: Config): Promise<readonly FailureCause[]> {
  const redis = await openConfiguredRedis(config);
  try {
    return await readFailureCauses(redis.source.connect("commands"), createKeys(config.namespace), run);
  } finally {
    await redis.close();
  }
}

function countFailureCauses(dir: string): readonly FailureCause[] {
  const causes = new FailureCauseCounter();
  const database = openRunDatabaseReader(dir);
  try {
    for (const { index, count, ...failure } of listFailureGroups(database)) causes.add(index, failure, count);
  } finally {
    database.close();
  }
  return causes.list();
}

/** "failed items of kind server, timeout with cause 0123456789ab" */
export function describeFailureFilter({ kinds, cause }: FailureFilter): string {
  const ofKinds = kinds === undefined ? "" : ` of kind ${[...kinds].join(", ")}`;
  return `failed items${ofKinds}${cause === undefined ? "" : ` with cause ${cause}`}`;
}

/** An unfinished run may have failures that its last checkpoint does not include. */
export function mayHaveFailures({ state, failuresByKind }: RunManifest, { kinds }: FailureFilter): boolean {
  if (state !== "finished") return true;
  return Object.entries(failuresByKind).some(([kind, count]) => count > 0 && (kinds?.has(kind) ?? true));
}
