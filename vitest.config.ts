import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** A machine that is busy with something else may starve a real process for seconds; such a test gets a second chance. */
const retry = process.env.CI === undefined ? 0 : 2;

/** Most tests wait for processes and sockets, so even two cores run three files at a time. */
const maxWorkers = Math.max(3, availableParallelism());

/** `unit` is pure and fast; `integration` talks to a real Redis; `e2e` runs real processes. */
export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      // Unit tests share nothing but what they import, and importing it once per process halves their time.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000, isolate: false } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/redis/global-redis.ts"],
          retry,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/support/redis/global-redis.ts"],
          retry,
          testTimeout: 300_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
