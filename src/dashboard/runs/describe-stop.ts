import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import { getRunPhase } from "./describe-run.ts";
import type { RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import type { FolderLookup } from "./run-folder.ts";

const RESUME_HINT = "Run its command again: it goes on where it stopped.";

/** Why a run stands still that no process feeds, and what goes on with it. Pure. */
export function describeStop(known: RunInfo, found: FolderLookup): Pick<RunPage, "stopped" | "outputPending"> {
  const command = found.isReadable ? buildResumeCommand(found.folder.manifest, found.folder.dir) : undefined;
  const commandPart = command === undefined ? {} : { command };
  if (isOutputPending(known, found)) return { outputPending: commandPart };
  if (getRunPhase(known) !== "stopped") return {};
  const end = known.published?.end;
  if (end?.outcome !== "stopped") {
    const message = "No process feeds and collects this run; the last one ended without a word.";
    return { stopped: { code: "killed", message, hint: RESUME_HINT, ...commandPart } };
  }
  const { message, hint = RESUME_HINT, reason } = end;
  const code = reason === "interrupted" || reason === "parked" || reason === "budget" ? reason : "reported";
  return { stopped: { code, message, hint, ...commandPart } };
}

/** Cancelled, and nobody is there to give the rest its records and to write the output. Pure. */
export function isOutputPending({ state, hasCoordinator }: RunInfo, found: FolderLookup): boolean {
  return state === "cancelled" && !hasCoordinator && !(found.isReadable && found.folder.manifest.state === "finished");
}

/** As far as the folder tells: how documents were split, and limits that were given, it does not. */
function buildResumeCommand(manifest: RunManifest, dir: string): string {
  const { source, model, output } = manifest;
  if (isBatch(manifest)) return quoteShellArgs("sluice", "batch", ...source.paths, "--out", dir);
  const { type } = manifest;
  return quoteShellArgs(
    ...["sluice", "embed", ...source.paths, "--model", model, "--out", dir],
    ...(output.format === "parquet" ? [] : ["--format", output.format]),
    ...(type === "db" ? [] : ["--type", type]),
    ...("withText" in output && output.withText ? ["--with-text"] : []),
  );
}

/** For a shell: a path may hold anything. */
function quoteShellArgs(...given: readonly string[]): string {
  return given.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
