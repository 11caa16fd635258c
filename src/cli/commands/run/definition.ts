import { defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_EVENTS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const runCommand = defineCommand({
  name: "run",
  group: "Watch and control runs",
  summary: "Watch the live panel of a run",
  description: "Shows the live panel of a run that another process coordinates, until the run ends.",
  arguments: [RUN_ARGUMENT],
  options: JSON_EVENTS,
  examples: ["sluice run ./vectors", "sluice run ./vectors --json"],
});
