/** What runs have written: the report, the records in any of their forms, and the nearest of them. */

export { type RunManifest, readManifest } from "./producer/runs/run-manifest.ts";
export { type Hit, nearest } from "./producer/search/nearest.ts";
export { openResult } from "./producer/search/open-result.ts";
export type { Result, ResultBlock, ResultItem } from "./producer/search/result.ts";
