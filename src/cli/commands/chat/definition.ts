import {
  argument,
  defineCommand,
  flag,
  inGroup,
  negatedFlag,
  requiredValue,
  value,
} from "#src/cli/options/command-definition.ts";
import { parseNonNegativeNumber, parsePositiveInteger, parseWorkerCount } from "#src/cli/options/parse-option.ts";
import { JSON_EVENTS, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const chatCommand = defineCommand({
  name: "chat",
  group: "Run jobs",
  summary: "Ask a chat model and print its answer",
  description: "Sends one prompt through the queue and prints the answer while it arrives.",
  arguments: [argument("prompt", "the prompt; - reads it from stdin")],
  options: {
    ...inGroup(OPTION_GROUPS.model, {
      model: requiredValue("provider/model", "chat model, such as zhipu/glm-4-plus"),
      system: value("text", "system message before the prompt"),
      maxTokens: value("n", "maximum tokens of the answer", parsePositiveInteger),
      temperature: value("x", "sampling temperature, in the range that the provider accepts", parseNonNegativeNumber),
      template: flag(
        "use the provider's own conversation template: its default system message and its plain-text prompt format",
      ),
    }),
    ...inGroup(OPTION_GROUPS.output, { stream: negatedFlag("print the answer only when it is complete") }),
    ...JSON_EVENTS,
    ...inGroup(OPTION_GROUPS.execution, {
      workers: value(
        "n",
        "worker processes to start (default: one, unless a running worker takes such jobs)",
        parseWorkerCount,
      ),
    }),
  },
  examples: [
    'sluice chat "Why is the sky blue?" --model zhipu/glm-4-plus',
    'sluice chat "List three rivers" --model minimax/MiniMax-M2 --system "Answer in French" --max-tokens 200',
    "sluice chat - --model zhipu/glm-4-plus --no-stream < prompt.txt",
  ],
});
