import { defineCommand, inGroup, value, valueOr } from "#src/cli/options/command-definition.ts";
import { parsePort, parseWorkerCount } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const serveCommand = defineCommand({
  name: "serve",
  group: "Operate",
  summary: "Serve the HTTP API, which OpenAI's clients can use",
  description:
    "Serves an HTTP API in OpenAI's format in front of all providers, with their queues, limits, and retries, and starts workers for it.",
  arguments: [],
  options: {
    ...inGroup(OPTION_GROUPS.network, {
      port: valueOr(8788, "n", "port to listen on; 0 selects a free port", parsePort),
      host: valueOr("127.0.0.1", "name", "address to listen on"),
    }),
    ...inGroup(OPTION_GROUPS.execution, {
      workers: value(
        "n",
        "worker processes to start; 0 leaves the work to workers that run elsewhere (default: one per core)",
        parseWorkerCount,
      ),
    }),
  },
  examples: ["sluice serve", "sluice serve --port 8080 --workers 0"],
});
