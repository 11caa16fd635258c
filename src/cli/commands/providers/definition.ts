import { defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT } from "#src/cli/options/shared-options.ts";

export const providersCommand = defineCommand({
  name: "providers",
  group: "Providers and models",
  summary: "List providers, accounts, and missing variables",
  description: "Lists every provider with its accounts, its base URL, and the variables that are missing.",
  arguments: [],
  options: JSON_OUTPUT,
  examples: ["sluice providers", "sluice providers --json"],
});
