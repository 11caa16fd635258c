// Runs many concurrent chat streams in one process, with Sluice's adapter or with the openai SDK, and prints their cost.
import OpenAI from "openai";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";

export type ChatClient = "sluice" | "openai SDK";

export interface StreamParams {
  readonly client: ChatClient;
  readonly url: string;
  readonly apiKey: string;
  readonly streams: number;
  readonly concurrency: number;
}

export interface StreamResult {
  readonly deltas: number;
  readonly wallMs: number;
  /** CPU time of this process from the first call to the end of the last stream. */
  readonly cpuMs: number;
}

const MODEL = "gpt-4o-mini";
/** A prompt that the simulated model repeats in about a hundred deltas. */
const MESSAGES = [{ role: "user" as const, content: Array.from({ length: 20 }, (_, n) => n + 1).join(" and ") }];

type Stream = () => Promise<number>;

function createStream({ client, url, apiKey, concurrency }: StreamParams): Stream {
  if (client === "sluice") {
    const transport = createTransport({ connections: concurrency });
    const chat = createRegistry().createProvider("openai", { baseUrl: url, apiKey }, transport).chat?.(MODEL);
    if (!chat) throw new Error("no chat");
    return async () => {
      let deltas = 0;
      for await (const { type } of chat.stream({ messages: MESSAGES }, { signal: new AbortController().signal }))
        if (type === "text-delta") deltas += 1;
      return deltas;
    };
  }
  const openai = new OpenAI({ baseURL: url, apiKey, maxRetries: 0 });
  return async () => {
    let deltas = 0;
    const stream = await openai.chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) deltas += 1;
    return deltas;
  };
}

async function runStreams(stream: Stream, count: number, concurrency: number): Promise<number> {
  let remaining = count;
  let deltas = 0;
  const runSlot = async () => {
    while (remaining-- > 0) {
      const received = await stream();
      deltas += received;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runSlot));
  return deltas;
}

const params = JSON.parse(process.argv[2] ?? "{}") as StreamParams;
const stream = createStream(params);
// Warm-up, not measured: opens the connections and compiles the code.
await runStreams(stream, 2 * params.concurrency, params.concurrency);
const cpuBefore = process.cpuUsage();
const started = performance.now();
const deltas = await runStreams(stream, params.streams, params.concurrency);
const wallMs = performance.now() - started;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(JSON.stringify({ deltas, wallMs, cpuMs: (user + system) / 1000 } satisfies StreamResult), () =>
  process.exit(0),
);
