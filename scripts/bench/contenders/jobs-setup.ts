// Constants and payloads that the processes of the "jobs" and "streams" benchmarks share.
import type { ChatPayload } from "#src/queues/payload.ts";

export interface JobsSetup {
  readonly redisUrl: string;
  /** Prefix of the Redis keys of this contender. */
  readonly namespace: string;
}

export const PROVIDER = "openai";
export const MODEL = "gpt-4o-mini";
export const BARE_QUEUE = "bare";
/** Concurrency of a worker: Sluice's default. */
export const CONCURRENCY = 100;

export const requestOf = (n: number) => ({
  messages: [{ role: "user" as const, content: `What is the answer to question number ${n}?` }],
});

/** The payload of Sluice's job for one item, so that the jobs of all contenders carry the same bytes. */
export const payloadOf = (n: number): ChatPayload => ({
  v: 2,
  kind: "chat",
  provider: PROVIDER,
  model: MODEL,
  items: [{ index: 0, item: `c-${n.toString(16).padStart(32, "0")}`, tokens: 530, request: requestOf(n) }],
});
