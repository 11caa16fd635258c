import { defineCommand, flag } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT } from "#src/cli/options/shared-options.ts";

export const doctorCommand = defineCommand({
  name: "doctor",
  group: "Operate",
  summary: "Check the setup: what is wrong and how to fix it",
  description:
    "Checks Redis, versions, settings, and limits, and prints what is wrong and how to fix it, problems first. With --ping, it also calls the cheapest model of every account. The exit code is 2 if something will not work.",
  arguments: [],
  options: {
    ping: flag("test the key of every configured account with one call, which costs next to nothing"),
    all: flag("also list what is not configured, and the limits of all models"),
    ...JSON_OUTPUT,
  },
  examples: ["sluice doctor", "sluice doctor --ping", "sluice doctor --json"],
});
