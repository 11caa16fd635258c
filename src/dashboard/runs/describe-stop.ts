import { STOP_MESSAGES } from "#src/dashboard/messages.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import type { FolderLookup } from "./run-folder.ts";
import { getRunPhase } from "./summarize-run.ts";

/** Why a run without a coordinator stands still, and the command that resumes it. Pure. */
export function describeStop(known: RunInfo, found: FolderLookup): Pick<RunPage, "stopped" | "outputPending"> {
  const command = found.isReadable ? buildResumeCommand(found.folder.manifest, found.folder.dir) : undefined;
  if (isOutputPending(known, found)) return { outputPending: { command } };
  if (getRunPhase(known) !== "stopped") return {};
  const end = known.published?.end;
  if (end?.outcome !== "stopped") {
    return { stopped: { code: "killed", message: STOP_MESSAGES.killed, hint: STOP_MESSAGES.hint, command } };
  }
  const { message, hint = STOP_MESSAGES.hint, reason } = end;
  const code = reason === "interrupted" || reason === "parked" || reason === "budget" ? reason : "reported";
  return { stopped: { code, message, hint, command } };
}

/** Whether a cancelled run has no coordinator that completes its records and writes its output. Pure. */
function isOutputPending({ state, hasCoordinator }: RunInfo, found: FolderLookup): boolean {
  return state === "cancelled" && !hasCoordinator && !(found.isReadable && found.folder.manifest.state === "finished");
}

/** The run's command as far as its folder tells, which does not record how documents were split or which limits were set. */
function buildResumeCommand(manifest: RunManifest, dir: string): string {
  const { source, model, output } = manifest;
  if (isBatch(manifest) && manifest.kind === "rerank") {
    const [queries = "", ...documents] = source.paths;
    return quoteShellArgs(
      ...["sluice", "rerank", queries, "--model", model, "--out", dir],
      ...(documents.length === 0 ? [] : ["--documents", ...documents]),
      ...(manifest.output.top === undefined ? [] : ["--top", String(manifest.output.top)]),
    );
  }
  if (isBatch(manifest)) return quoteShellArgs("sluice", "batch", ...source.paths, "--out", dir);
  const { type } = manifest;
  return quoteShellArgs(
    ...["sluice", "embed", ...source.paths, "--model", model, "--out", dir],
    ...(output.format === "parquet" ? [] : ["--format", output.format]),
    ...(type === "db" ? [] : ["--type", type]),
    ...("withText" in output && output.withText ? ["--with-text"] : []),
  );
}

/** Quotes arguments for a shell, because a path may contain any character. */
function quoteShellArgs(...args: readonly string[]): string {
  return args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)).join(" ");
}
