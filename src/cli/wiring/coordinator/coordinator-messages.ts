import { formatMany } from "#src/cli/format/format-number.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";

/** What commands that coordinate a run tell the user, besides progress. */
export const COORDINATOR_MESSAGES = {
  resumeHint: (dir: string) =>
    `Nothing is lost. Run the same command again, or "${SUGGESTED_COMMANDS.resume(dir)}", to resume where it stopped.`,
  interruptedWhilePlanning: "interrupted while planning; nothing was sent",
  planAgainHint: "Run the same command again.",
  stopping: "stopping: calls in flight finish, everything else returns to the queue",
  refused: (problems: number) => `the input has ${formatMany(problems, "problem")}; nothing was sent`,
  alreadyFinished: ({ run, items, finishedAt }: RunManifest, dir: string, readsStdin: boolean) =>
    [
      `This run is already finished (${run}, ${items.total} items, ${finishedAt}): nothing to do.`,
      `  The results are in ${dir}. To delete them and start over, use --force.`,
      ...(readsStdin ? ["  Stdin was not read."] : []),
      "",
    ].join("\n"),
} as const;
