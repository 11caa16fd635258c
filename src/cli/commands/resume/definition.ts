import { defineCommand } from "#src/cli/options/command-definition.ts";
import { COORDINATOR_OPTIONS, JSON_EVENTS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const resumeCommand = defineCommand({
  name: "resume",
  group: "Watch and control runs",
  summary: "Resume a paused or stopped run",
  description:
    "Resumes a paused run. Restarts a run whose process has stopped or was killed, with all the options that it was started with and in the working directory of that command; options given here replace those. Keys and other settings come from the environment, .env, and sluice.yaml, as for any command.",
  arguments: [RUN_ARGUMENT],
  options: { ...COORDINATOR_OPTIONS, ...JSON_EVENTS },
  examples: ["sluice resume ./vectors", "sluice resume ./vectors --workers 4 --max-cost 10"],
});
