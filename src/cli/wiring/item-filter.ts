import { formatPercent } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { Config } from "#src/config/config.ts";
import { InputError, PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { isFailureCauseId } from "#src/core/failures/failure-cause.ts";
import { type FailureCause, FailureCauseCounter, parseOtherCause } from "#src/core/failures/failure-cause-counter.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import {
  ITEM_STATUSES,
  type ItemQuery,
  type NumberRange,
  type RecordedItemStatus,
} from "#src/producer/items/item-query.ts";
import { updateSearchIndex } from "#src/producer/items/search-index.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { listFailureGroups } from "#src/producer/storage/failure-rows.ts";
import { openRunDatabaseReader } from "#src/producer/storage/run-database.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readFailureCauses } from "#src/state/runs/run-journal.ts";
import { openConfiguredRedis } from "./open-redis.ts";

/** The options of `ITEM_FILTER_OPTIONS`. */
export interface ItemFilterOptions {
  readonly text?: string;
  readonly id?: string;
  readonly idContains?: string;
  readonly status?: string;
  readonly kind?: string;
  readonly cause?: string;
  readonly metadata?: ItemQuery["metadata"];
  readonly tokens?: NumberRange;
  readonly attempts?: NumberRange;
  readonly duration?: NumberRange;
  readonly lane?: string;
  readonly empty: boolean;
  readonly where?: string;
}

const KINDS: readonly string[] = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"];

/** Throws an InputError for an unknown status, kind, or cause. */
export function parseItemFilterOptions(options: ItemFilterOptions): ItemQuery {
  const { kind, cause, status, duration, empty, text, id, idContains, metadata, tokens, attempts, lane, where } =
    options;
  return omitUndefined({
    ...{ text, id, idContains, metadata, tokens, attempts, lane, where },
    durationMs: duration,
    status: parseStatus(status),
    kinds: parseKinds(kind),
    cause: parseCause(cause),
    isEmpty: empty ? true : undefined,
  });
}

function parseStatus(status: string | undefined): RecordedItemStatus | undefined {
  const found = ITEM_STATUSES.find((name) => name === status);
  if (status === undefined || found) return found;
  throw new InputError(`unknown status "${sanitize(status)}": expected ${ITEM_STATUSES.join(", ")}`, "--status");
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
  filter: ItemQuery,
  { dir, manifest }: { readonly dir: string; readonly manifest: RunManifest },
  config: Config,
): Promise<ItemQuery> {
  const kind = filter.cause === undefined ? undefined : parseOtherCause(filter.cause);
  if (kind === undefined) return filter;
  if (filter.kinds?.has(kind) === false) throw new InputError(`"${kind}" is not one of the kinds in --kind`, "--cause");
  const published = await readPublishedCauses(manifest.run, config);
  const causes = published.length > 0 ? published : countFailureCauses(dir);
  const { cause: _, ...rest } = filter;
  return { ...rest, kinds: new Set([kind]), excludedCauses: new Set(causes.map(({ cause }) => cause)) };
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
export function describeRetryQuery({ kinds, cause, isEmpty, ...others }: ItemQuery): string {
  const noun = isEmpty === true ? "empty answers" : "failed items";
  const ofKinds = kinds === undefined ? "" : ` of kind ${[...kinds].join(", ")}`;
  const withCause = cause === undefined ? "" : ` with cause ${cause}`;
  const { excludedCauses, status, ...rest } = others;
  return `${noun}${ofKinds}${withCause}${Object.keys(rest).length === 0 ? "" : " that match"}`;
}

/** An unfinished run may have failures that its last checkpoint does not include. */
export function mayHaveRetries({ state, failuresByKind }: RunManifest, { kinds, isEmpty }: ItemQuery): boolean {
  if (state !== "finished" || isEmpty === true) return true;
  return Object.entries(failuresByKind).some(([kind, count]) => count > 0 && (kinds?.has(kind) ?? true));
}

/**
 * Brings the search index up to date if the query needs it, and shows the progress on stderr: about 30 s for a million texts,
 * once per run.
 */
export function prepareSearch(dir: string, { text }: ItemQuery): void {
  if (text === undefined) return;
  const { stderr } = process;
  let shown = "";
  for (const { done, total } of updateSearchIndex(dir)) {
    const next = `building the search index: ${formatPercent(done / total)}`;
    if (stderr.isTTY && next !== shown) stderr.write(`\r${next}`);
    shown = next;
  }
  if (stderr.isTTY && shown !== "") stderr.write(`\r${" ".repeat(shown.length)}\r`);
}
