import { createHash } from "node:crypto";
import { listSources, type SourceListing } from "#src/producer/input/list-sources.ts";
import type { SourceOptions } from "#src/producer/input/source.ts";

/** Raised when the same sources would be planned differently than before: other chunks, other ids, other estimates. */
const PLANNING_VERSION = 2;

/**
 * A cheap answer to "are these the sources of that plan?", without reading any of them. Made of the options that
 * decide the items and of every file's name, size and time of last change. The rule: the same fingerprint means the
 * same plan; another one means that the sources or the options changed, and the caller plans again or refuses.
 * A file changed within its size and with its old time put back is not noticed, nor is what standard input holds.
 */
export async function fingerprintSources(options: SourceOptions): Promise<string> {
  return fingerprintListing(options, await listSources(options));
}

/** The fingerprint of sources that are listed already. */
export function fingerprintListing(options: SourceOptions, listing: SourceListing): string {
  const { chunk, idField, textField, limit, maxTokens, skipInvalid } = options;
  const decided = [
    PLANNING_VERSION,
    idField,
    textField,
    chunk?.tokens ?? null,
    chunk?.overlap ?? null,
    limit ?? null,
    maxTokens ?? null,
    skipInvalid,
  ];
  const hash = createHash("sha256").update(JSON.stringify(decided));
  for (const { name, kind, size, mtimeNs } of listing.files) {
    hash.update(`\n${JSON.stringify([name, kind, size, String(mtimeNs)])}`);
  }
  for (const { where, message } of listing.problems) hash.update(`\n${JSON.stringify([where, message])}`);
  return hash.digest("hex");
}
