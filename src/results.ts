/** Reads the output of runs: the report, the records in every output format, and the nearest neighbours of a vector. */

export { type RunManifest, readManifest } from "./producer/runs/run-manifest.ts";
export { findNearest as nearest, type Hit } from "./producer/search/nearest.ts";
export { openResult } from "./producer/search/open-result.ts";
export type { Result, ResultBlock, ResultItem } from "./producer/search/result.ts";
