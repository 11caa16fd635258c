import { defineCommand, flag } from "#src/cli/options/command-definition.ts";

export const workerCommand = defineCommand({
  name: "worker",
  group: "Operate",
  summary: "Run a worker",
  description:
    "Takes jobs from Redis and calls providers until it is stopped. You can start any number of workers, on any machine.",
  arguments: [],
  options: {
    child: { ...flag("started by another command, and ends with it"), isHidden: true },
  },
  examples: ["sluice worker", "REDIS_URL=redis://10.0.0.5:6379 sluice worker"],
});
