import { argument, defineCommand, flag, inGroup, value } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const setLimitCommand = defineCommand({
  name: "set-limit",
  group: "Operate",
  summary: "Change the limits of a lane for all workers",
  description:
    "Sets limits of a lane (provider + account + model). They apply to all workers within a second and override the configuration.",
  arguments: [argument("lane", "provider/model, or provider:account/model")],
  options: {
    ...inGroup(OPTION_GROUPS.limits, {
      requestsPerMinute: value("n", "calls per minute", parsePositiveInteger),
      tokensPerMinute: value("n", "tokens per minute, over all calls", parsePositiveInteger),
      concurrency: value("n", "calls in flight", parsePositiveInteger),
      clear: flag("clear manual limits first"),
    }),
    ...JSON_OUTPUT,
  },
  examples: [
    "sluice set-limit minimax/embo-01 --requests-per-minute 600",
    "sluice set-limit zhipu/glm-4-plus --clear --concurrency 8",
    "sluice set-limit minimax/embo-01 --clear",
  ],
});
