// The reader of the streams bench: follows many answers at once, by Sluice's client or from the upstream itself.
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
  /** Streams at once, and how many each place follows one after another. */
  readonly slots: number;
  readonly each: number;
}

export interface ReaderResult {
  /** From the question to the first delta, in µs; the upstream sends it at once. */
  readonly firsts: readonly number[];
  /** From the moment the upstream sent a delta to the moment the reader has it, in µs. */
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
  const runSlot = async (p: number) => {
    // People do not ask in step.
    await sleep(Math.random() * 1_000);
    for (let n = 0; n < each; n++) {
      const askedAt = microsecondsNow();
      let isFirst = true;
      for await (const text of follow(p * each + n)) {
        const now = microsecondsNow();
        for (const stamp of text.trim().split(" ")) {
          delays.push(now - Number(stamp));
          if (isFirst) firsts.push(now - askedAt);
          isFirst = false;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: slots }, (_, p) => runSlot(p)));
  return { firsts, delays };
}

serveParent(read, close);
