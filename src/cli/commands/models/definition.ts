import { defineCommand, optionalArgument, optionalValue } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT } from "#src/cli/options/shared-options.ts";
import { CATALOGUE_URL } from "#src/providers/catalogue/read-catalogue.ts";

export const modelsCommand = defineCommand({
  name: "models",
  group: "Providers and models",
  summary: "List models with their sizes, limits, and prices",
  description: "Lists every known model with its sizes, limits, and prices, and what is missing to use it.",
  arguments: [optionalArgument("provider", "list only the models of this provider")],
  options: {
    refresh: optionalValue("url|file", `first get the newest catalogue of models (default: ${CATALOGUE_URL})`),
    ...JSON_OUTPUT,
  },
  examples: ["sluice models", "sluice models zhipu --refresh", "sluice models --json"],
});
