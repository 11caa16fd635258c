// What the processes of the jobs bench share.
import type { ChatPayload } from "#src/queues/payload.ts";

export interface JobsSetup {
  readonly redisUrl: string;
  /** First part of every key of this contender. */
  readonly namespace: string;
}

export const PROVIDER = "openai";
export const MODEL = "gpt-4o-mini";
export const BARE_QUEUE = "bare";
/** Jobs a worker holds at once, Sluice's own default. */
export const CONCURRENCY = 100;

export const requestOf = (n: number) => ({
  messages: [{ role: "user" as const, content: `What is the answer to question number ${n}?` }],
});

/** What Sluice's own job would carry for one item, so that both move the same bytes. */
export const payloadOf = (n: number): ChatPayload => ({
  v: 2,
  kind: "chat",
  provider: PROVIDER,
  model: MODEL,
  items: [{ index: 0, item: `c-${n.toString(16).padStart(32, "0")}`, tokens: 530, request: requestOf(n) }],
});
