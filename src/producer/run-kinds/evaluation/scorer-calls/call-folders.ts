import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import type { ScorerCall } from "#src/evaluation/scorer-call.ts";
import { SCORER_CALLS_FOLDER } from "#src/producer/output/result-writer.ts";
import { type BatchManifest, isBatch, readManifest } from "#src/producer/runs/run-manifest.ts";

/** A run of calls that scorers need, inside the output folder of their evaluation. */
export interface CallFolder {
  readonly number: number;
  /** Folder of the run. */
  readonly dir: string;
  /** The requests of the run, beside its folder. */
  readonly requests: string;
  /** Undefined if the run was not planned yet. */
  readonly manifest: BatchManifest | undefined;
}

/** The paths of the run with this number. */
export function locateCallFolder(evaluation: string, number: number): Pick<CallFolder, "number" | "dir" | "requests"> {
  const path = join(evaluation, SCORER_CALLS_FOLDER, String(number));
  return { number, dir: path, requests: `${path}.jsonl` };
}

/** The runs of an evaluation's scorers in the order in which they were started. */
export async function listCallFolders(evaluation: string): Promise<CallFolder[]> {
  const names = await readdir(join(evaluation, SCORER_CALLS_FOLDER)).catch((error) => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  const numbers = names.flatMap((name) => /^(\d+)\.jsonl$/.exec(name)?.[1] ?? []).map(Number);
  return await Promise.all(
    numbers
      .sort((a, b) => a - b)
      .map(async (number) => {
        const paths = locateCallFolder(evaluation, number);
        const manifest = await readManifest(paths.dir);
        return { ...paths, manifest: manifest && isBatch(manifest) ? manifest : undefined };
      }),
  );
}

/** Identifies a call: equal calls have the same id. */
export function computeCallId({ endpoint, model, body }: ScorerCall): string {
  return createHash("sha256")
    .update(JSON.stringify([endpoint, model, body]))
    .digest("hex");
}

/** The call as a line of a batch file. */
export function formatCall(call: ScorerCall): string {
  const { endpoint: url, model, body } = call;
  return `${JSON.stringify({ custom_id: computeCallId(call), method: "POST", url, body: { model, ...body } })}\n`;
}

/** The ids of the calls in a file that consists of lines by `formatCall`. */
export async function readCallIds(requests: string): Promise<string[]> {
  const text = await readFile(requests, "utf8");
  return [...text.matchAll(/^\{"custom_id":"([0-9a-f]{64})"/gm)].map(([, id = ""]) => id);
}
