import { defineCommand, inGroup, value, valueOr } from "#src/cli/options/command-definition.ts";
import { parsePort, parseWorkerCount } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

const LISTEN_OPTIONS = inGroup(OPTION_GROUPS.network, {
  port: valueOr(8787, "n", "port to listen on; 0 selects a free port", parsePort),
  host: valueOr("127.0.0.1", "name", "address to listen on; addresses other than loopback require a password"),
});

export const dashboardCommand = defineCommand({
  name: "dashboard",
  group: "Operate",
  summary: "Serve the dashboard",
  description: "Serves web pages that show runs, lanes, queues, and workers, and let operators act on them.",
  arguments: [],
  options: LISTEN_OPTIONS,
  examples: [
    "sluice dashboard",
    "SLUICE_OPERATOR_PASSWORD='correct horse battery' sluice dashboard --host 0.0.0.0 --port 8080",
  ],
});

export const upCommand = defineCommand({
  name: "up",
  group: "Operate",
  summary: "Start the dashboard, the HTTP API, workers and, without REDIS_URL, a private Redis",
  description:
    "Runs the dashboard, the HTTP API, workers and, without REDIS_URL, the private Redis together, until Ctrl-C.",
  arguments: [],
  options: {
    ...LISTEN_OPTIONS,
    ...inGroup(OPTION_GROUPS.network, {
      apiPort: valueOr(8788, "n", "port of the HTTP API; 0 selects a free port", parsePort),
      apiHost: valueOr("127.0.0.1", "name", "address of the HTTP API"),
    }),
    ...inGroup(OPTION_GROUPS.execution, {
      workers: value("n", "worker processes to start (default: one per core)", parseWorkerCount),
    }),
  },
  examples: ["sluice up", "sluice up --workers 4 --port 8080"],
});
