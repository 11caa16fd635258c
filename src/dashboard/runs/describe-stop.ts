import { isBatch, type RunManifest } from "../../producer/run/run-manifest.ts";
import type { RunPage } from "../contract.ts";
import { phaseOf } from "./describe-run.ts";
import type { KnownRun } from "./run-book.ts";
import type { FoundFolder } from "./run-folder.ts";

const GO_ON = "Run its command again: it goes on where it stopped.";

/** Why a run stands still that no process feeds, and what goes on with it. Pure. */
export function describeStop(known: KnownRun, found: FoundFolder): Pick<RunPage, "stopped" | "unwritten"> {
  const command = found.here ? commandOf(found.folder.manifest, found.folder.dir) : undefined;
  const told = command === undefined ? {} : { command };
  if (isUnwritten(known, found)) return { unwritten: told };
  if (phaseOf(known) !== "stopped") return {};
  const end = known.published?.end;
  if (end?.outcome !== "stopped") {
    const message = "No process feeds and collects this run; the last one ended without a word.";
    return { stopped: { code: "killed", message, mend: GO_ON, ...told } };
  }
  const { message, mend = GO_ON, reason } = end;
  const code = reason === "interrupted" || reason === "parked" || reason === "budget" ? reason : "told";
  return { stopped: { code, message, mend, ...told } };
}

/** Cancelled, and nobody is there to give the rest its records and to write the output. Pure. */
export function isUnwritten({ state, coordinated }: KnownRun, found: FoundFolder): boolean {
  return state === "cancelled" && !coordinated && !(found.here && found.folder.manifest.state === "finished");
}

/** As far as the folder tells: how documents were split, and limits that were given, it does not. */
function commandOf(manifest: RunManifest, dir: string): string {
  const { source, model, output } = manifest;
  if (isBatch(manifest)) return words("sluice", "batch", ...source.paths, "--out", dir);
  const { type } = manifest;
  return words(
    ...["sluice", "embed", ...source.paths, "--model", model, "--out", dir],
    ...(output.format === "parquet" ? [] : ["--format", output.format]),
    ...(type === "db" ? [] : ["--type", type]),
    ...("withText" in output && output.withText ? ["--with-text"] : []),
  );
}

/** For a shell: a path may hold anything. */
function words(...given: readonly string[]): string {
  return given
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}
