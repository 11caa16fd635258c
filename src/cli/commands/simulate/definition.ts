import { defineCommand, inGroup, value, valueOr } from "#src/cli/options/command-definition.ts";
import { parseNonNegativeInteger, parsePort, parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const simulateCommand = defineCommand({
  name: "simulate",
  group: "Operate",
  summary: "Serve a local provider simulator",
  description:
    "Serves a strict local simulation of the providers' protocols and prints the environment variables that point Sluice at it.",
  arguments: [],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      answers: value(
        "file",
        "answers of the models with the OpenAI protocol, as JSONL: {prompt, answer, model?} answers every prompt that contains this text; others get a computed answer",
      ),
    }),
    ...inGroup(OPTION_GROUPS.network, {
      port: valueOr(8900, "n", "port to listen on; 0 selects a free port", parsePort),
      latency: valueOr(150, "ms", "duration of each call", parseNonNegativeInteger),
      jitter: valueOr(50, "ms", "maximum random addition to the latency", parseNonNegativeInteger),
    }),
    ...inGroup(OPTION_GROUPS.limits, {
      requestsPerSecond: value("n", "requests per second of the simulated account", parsePositiveInteger),
      requestsPerMinute: value("n", "requests per minute of the simulated account", parsePositiveInteger),
      tokensPerMinute: value("n", "tokens per minute of the simulated account", parsePositiveInteger),
      concurrency: value("n", "concurrent calls of the simulated account", parsePositiveInteger),
    }),
  },
  examples: [
    "sluice simulate",
    "sluice simulate --requests-per-minute 60 --latency 500",
    "sluice simulate --answers answers.jsonl",
  ],
});
