import type { TestProject } from "vitest/node";
import { startRedisProcess } from "./redis-process.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** URL of the Redis that all tests of this project share; each test uses its own namespace. */
    redisUrl: string;
  }
}

/** Provides one real Redis to a vitest project: that of TEST_REDIS_URL or else REDIS_URL, or a server started here. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const existingUrl = process.env.TEST_REDIS_URL || process.env.REDIS_URL;
  if (existingUrl) {
    project.provide("redisUrl", existingUrl);
    return async () => {};
  }
  const server = await startRedisProcess();
  project.provide("redisUrl", server.url);
  return () => server.stop();
}
