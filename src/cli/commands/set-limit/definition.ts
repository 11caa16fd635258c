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
      requestsPerSecond: value("n", "calls per second", parsePositiveInteger),
      requestsPerMinute: value("n", "calls per minute", parsePositiveInteger),
      requestsPerHour: value("n", "calls per hour", parsePositiveInteger),
      requestsPerDay: value("n", "calls in any 24 hours", parsePositiveInteger),
      tokensPerSecond: value("n", "tokens per second, over all calls", parsePositiveInteger),
      tokensPerMinute: value("n", "tokens per minute, over all calls", parsePositiveInteger),
      tokensPerHour: value("n", "tokens per hour, over all calls", parsePositiveInteger),
      tokensPerDay: value("n", "tokens in any 24 hours, over all calls", parsePositiveInteger),
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
