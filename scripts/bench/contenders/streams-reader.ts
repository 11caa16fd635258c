// Reader of the "streams" benchmark: follows many concurrent streams, with Sluice's client or directly from the upstream.
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "#src/producer/client/create-client.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { serveParent } from "../bench-child.ts";
import { type JobsSetup, MODEL, PROVIDER, requestOf } from "./jobs-setup.ts";
import { microsecondsNow } from "./monotonic-clock.ts";

export interface ReaderSetup extends JobsSetup {
  readonly kind: "direct" | "sluice";
  readonly upstream: string;
}

export interface ReaderParams {
  /** Concurrent streams. */
  readonly slots: number;
  /** Streams per slot, one after another. */
  readonly each: number;
}

export interface ReaderResult {
  /** From the request to the first delta, in µs. The upstream sends it immediately. */
  readonly firsts: readonly number[];
  /** From the upstream's write of a delta to its arrival at the reader, in µs. */
  readonly delays: readonly number[];
}

type Follow = (n: number) => AsyncIterable<string>;

const setup = JSON.parse(process.argv[2] ?? "{}") as ReaderSetup;

function followDirectly(): { follow: Follow; close: () => Promise<void> } {
  const transport = createTransport({ connections: 100 });
  const provider = createRegistry().createProvider(PROVIDER, { baseUrl: setup.upstream, apiKey: "none" }, transport);
  const chat = provider.chat?.(MODEL);
  if (!chat) throw new Error("no chat");
  return {
    async *follow(n) {
      const call = { signal: new AbortController().signal };
      for await (const event of chat.stream(requestOf(n), call)) if (event.type === "text-delta") yield event.text;
    },
    close: () => provider.close(),
  };
}

async function followThroughQueue(): Promise<{ follow: Follow; close: () => Promise<void> }> {
  const { redisUrl, namespace } = setup;
  const client = await createClient({ redisUrl, namespace });
  return {
    async *follow(n) {
      const { id } = await client.submitChat({
        model: `${PROVIDER}/${MODEL}`,
        stream: true,
        ttlMs: 600_000,
        ...requestOf(n),
      });
      for await (const event of client.stream(id)) {
        if (event.type === "delta") yield event.text;
        if (event.type === "error") throw new Error(event.failure.message);
      }
    },
    close: () => client.close(),
  };
}

const { follow, close } = setup.kind === "direct" ? followDirectly() : await followThroughQueue();

async function read({ slots, each }: ReaderParams): Promise<ReaderResult> {
  const firsts: number[] = [];
  const delays: number[] = [];
  const runSlot = async (slot: number) => {
    // Real requests do not start at the same time.
    await sleep(Math.random() * 1_000);
    for (let n = 0; n < each; n++) {
      const requestedAt = microsecondsNow();
      let isFirst = true;
      for await (const text of follow(slot * each + n)) {
        const now = microsecondsNow();
        for (const stamp of text.trim().split(" ")) {
          delays.push(now - Number(stamp));
          if (isFirst) firsts.push(now - requestedAt);
          isFirst = false;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: slots }, (_, slot) => runSlot(slot)));
  return { firsts, delays };
}

serveParent(read, close);
