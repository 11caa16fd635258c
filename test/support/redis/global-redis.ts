import type { TestProject } from "vitest/node";
import { startRedisProcess } from "./redis-process.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The Redis that every test of this project shares; each test keeps to a namespace of its own. */
    redisUrl: string;
  }
}

/** One real Redis for a whole vitest project, or the one that TEST_REDIS_URL, or else REDIS_URL, names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_REDIS_URL || process.env.REDIS_URL;
  if (given) {
    project.provide("redisUrl", given);
    return async () => {};
  }
  const server = await startRedisProcess();
  project.provide("redisUrl", server.url);
  return () => server.stop();
}
