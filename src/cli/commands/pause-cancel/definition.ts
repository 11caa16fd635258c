import { defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

function defineControlCommand(name: string, summary: string, description: string) {
  return defineCommand({
    name,
    group: "Watch and control runs",
    summary,
    description,
    arguments: [RUN_ARGUMENT],
    options: JSON_OUTPUT,
    examples: [`sluice ${name} ./vectors`, `sluice ${name} ./vectors --json`],
  });
}

export const pauseCommand = defineControlCommand(
  "pause",
  "Pause a run after calls in flight finish",
  "Pauses a run: calls in flight finish, and no new ones start until the run is resumed.",
);

export const cancelCommand = defineControlCommand(
  "cancel",
  "Cancel a run and write its output",
  "Cancels a run: calls in flight finish, items without a record become errors, and the output is written.",
);
