import { argument, defineCommand, inGroup, value } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const pingCommand = defineCommand({
  name: "ping",
  group: "Providers and models",
  summary: "Call a model once to test its credentials",
  description:
    "Calls a model once and prints the time to the first token, the total time, and the usage, or the error and how to fix it.",
  arguments: [argument("provider/model", "model to call, such as minimax/MiniMax-M2 or minimax/embo-01")],
  options: {
    ...inGroup(OPTION_GROUPS.model, { account: value("name", "account to use (default: the first)") }),
    ...JSON_OUTPUT,
  },
  examples: [
    "sluice ping minimax/embo-01",
    "sluice ping minimax/embo-01 --account team-b",
    "sluice ping zhipu/glm-4-plus --json",
  ],
});
