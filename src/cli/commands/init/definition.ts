import { defineCommand, flag, inGroup, value, values } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const initCommand = defineCommand({
  name: "init",
  group: "Operate",
  summary: "Write sluice.yaml and .env for your providers",
  description:
    "Asks for providers, their API keys, and your limits, then writes sluice.yaml and .env (readable only by you) to the working directory. With --provider, it asks only for what the options leave open; with --yes, it asks nothing. Existing variables in .env are kept; an existing sluice.yaml is replaced only if you confirm it, or with --force.",
  arguments: [],
  options: {
    ...inGroup(OPTION_GROUPS.model, {
      provider: values("provider", "providers to set up"),
      keyEnv: value("variable", "variable that holds the API key, if there is one provider (default: the provider's)"),
    }),
    ...inGroup(OPTION_GROUPS.limits, {
      requestsPerMinute: value("n", "requests per minute of each account", parsePositiveInteger),
      concurrency: value("n", "concurrent calls of each account", parsePositiveInteger),
    }),
    ...inGroup(OPTION_GROUPS.execution, {
      yes: flag("ask nothing"),
      force: flag("replace an existing sluice.yaml"),
    }),
  },
  examples: ["sluice init", "sluice init --provider minimax --key-env MINIMAX_API_KEY --requests-per-minute 120 --yes"],
});
