import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * No test is known to depend on speed, but hundreds of real processes and servers take free ports, memory, and disk of a
 * machine that others use, too; a test that this fails gets a second chance. Unit tests have none.
 */
const retry = process.env.CI === undefined ? 0 : 2;

/** Most tests wait for processes and sockets, so even two cores run three files at a time. */
const maxWorkers = Math.max(3, availableParallelism());

/**
 * Time limits end broken tests only: they are many times what a test needs on a busy machine, and waits in tests have no
 * shorter ones (`test/support/wait-for.ts`).
 *
 * `unit` is pure and fast; `integration` talks to a real Redis; `e2e` runs real processes.
 */
export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      // Tests share nothing but what they import (no module has state), and importing it once per process halves their time.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 120_000, isolate: false } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/redis/global-redis.ts"],
          isolate: false,
          retry,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/support/redis/global-redis.ts"],
          retry,
          testTimeout: 480_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
