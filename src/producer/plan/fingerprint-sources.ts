import { createHash } from "node:crypto";
import { listSources, type SourceListing } from "#src/producer/input/list-sources.ts";
import type { SourceOptions } from "#src/producer/input/source.ts";

/**
 * Incremented when a run that an earlier version has planned must not be resumed. Other chunks, ids or estimates are no
 * reason: a run that is resumed keeps its planned items.
 */
const PLANNING_VERSION = 2;

/**
 * Computes a fingerprint of the sources without reading them, from the options that determine the items and the name,
 * size and modification time of every file. The same fingerprint means the same plan; a different one means that the
 * sources or the options have changed. Undetected: a change that keeps a file's size and modification time, and the
 * contents of standard input.
 */
export async function fingerprintSources(options: SourceOptions): Promise<string> {
  return fingerprintListing(options, await listSources(options));
}

/** Computes the fingerprint of sources that are already listed. */
export function fingerprintListing(options: SourceOptions, listing: SourceListing): string {
  const { chunk, csv, idField, textField, metadataFields, limit, maxTokens, skipInvalid } = options;
  // Appended only when they are given, so that runs of earlier versions can be resumed.
  const csvOptions =
    csv?.delimiter === undefined && csv?.quote === undefined ? [] : [csv.delimiter ?? null, csv.quote ?? null];
  const planOptions = [
    PLANNING_VERSION,
    idField,
    textField,
    chunk?.tokens ?? null,
    chunk?.overlap ?? null,
    limit ?? null,
    maxTokens ?? null,
    skipInvalid,
    ...csvOptions,
    ...(metadataFields === undefined ? [] : [{ metadataFields }]),
  ];
  const hash = createHash("sha256").update(JSON.stringify(planOptions));
  for (const { name, kind, size, mtimeNs } of listing.files) {
    // Earlier versions read .json files as text; their runs resume, because they keep their planned items.
    const hashedKind = kind === "json" ? "text" : kind;
    hash.update(`\n${JSON.stringify([name, hashedKind, size, String(mtimeNs)])}`);
  }
  // Only the place: the wording of a problem may change with the version.
  for (const { where } of listing.problems) hash.update(`\n${JSON.stringify([where])}`);
  return hash.digest("hex");
}
