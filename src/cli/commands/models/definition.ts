import { defineCommand, optionalArgument } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT } from "#src/cli/options/shared-options.ts";

export const modelsCommand = defineCommand({
  name: "models",
  group: "Providers and models",
  summary: "List models with their sizes, limits and prices",
  description: "Lists every known model with its sizes, limits and prices, and what is missing to use it.",
  arguments: [optionalArgument("provider", "list only the models of this provider")],
  options: JSON_OUTPUT,
  examples: ["sluice models", "sluice models zhipu", "sluice models --json"],
});
