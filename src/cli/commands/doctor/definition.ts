import { defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT } from "#src/cli/options/shared-options.ts";

export const doctorCommand = defineCommand({
  name: "doctor",
  group: "Operate",
  summary: "Check the setup: what is wrong and how to fix it",
  description:
    "Checks Redis, versions, keys, and limits, and prints what is wrong and how to fix it. The exit code is 2 if something will not work.",
  arguments: [],
  options: JSON_OUTPUT,
  examples: ["sluice doctor", "sluice doctor --json"],
});
