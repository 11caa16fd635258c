// Decodes recorded responses with every codec, without a network, and prints the cost per delta and per embedding response.
// Requires --expose-gc, and a young generation that is larger than the allocations of one measurement.
import type { Provider } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { type EmbeddingRecording, type Recording, recordChats, recordEmbeddings } from "./codec-recordings.ts";

/** Cost of one delta or of one embedding response. */
export interface CodecCost {
  readonly name: string;
  readonly micros: number;
  readonly heapBytes: number;
  /** Memory outside the heap: the vectors. */
  readonly externalBytes: number;
}

export interface DecodeResult {
  readonly chats: readonly CodecCost[];
  readonly embeddings: readonly (CodecCost & { readonly floats: number })[];
}

const DELTAS = 1_000;
const CHUNK_BYTES = 16 * 1024;
const MESSAGES_AT_ONCE = 16;
/** Runs per allocation measurement: few, because a garbage collection would falsify it, and large arrays outside the heap trigger one. */
const COUNTED_RUNS = { chats: 5, embeddings: 1 };
const CALL = { signal: new AbortController().signal };

const collectGarbage = (globalThis as { gc?: () => void }).gc;
if (!collectGarbage) throw new Error("requires --expose-gc");

async function measure(
  name: string,
  { runs, counted }: { readonly runs: number; readonly counted: number },
  run: () => Promise<unknown>,
): Promise<CodecCost> {
  for (let n = 0; n < runs; n++) await run();
  collectGarbage?.();
  const before = process.memoryUsage();
  for (let n = 0; n < counted; n++) await run();
  const after = process.memoryUsage();
  collectGarbage?.();
  const started = process.hrtime.bigint();
  for (let n = 0; n < runs; n++) await run();
  const took = Number(process.hrtime.bigint() - started);
  return {
    name,
    micros: took / 1000 / runs,
    heapBytes: (after.heapUsed - before.heapUsed) / counted,
    externalBytes: (after.arrayBuffers - before.arrayBuffers) / counted,
  };
}

function chatTransport({ events }: Recording): Transport {
  const bytes = Buffer.from(events.join(""));
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, n) =>
    bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES),
  );
  const groups = Array.from({ length: Math.ceil(events.length / MESSAGES_AT_ONCE) }, (_, n) =>
    events.slice(n * MESSAGES_AT_ONCE, (n + 1) * MESSAGES_AT_ONCE),
  );
  const noop = () => undefined;
  const headers = { "content-type": "text/event-stream" };
  return {
    post: () => Promise.reject(new Error("this benchmark makes no such call")),
    stream: async () => ({
      status: 200,
      headers,
      body: readAll(chunks),
      alive: noop,
      collect: () => Promise.reject(new Error("this benchmark makes no such call")),
      drain: noop,
      cancel: noop,
    }),
    openSocket: async () => ({ frames: readAll(groups), cancel: noop }),
    close: async () => undefined,
  };
}

async function* readAll<T>(parts: readonly T[]): AsyncGenerator<T> {
  for (const part of parts) yield part;
}

async function measureChat(recording: Recording): Promise<CodecCost> {
  const provider = createRegistry().createProvider(recording.provider, recording.account, chatTransport(recording));
  const chat = provider.chat?.(recording.model);
  if (!chat) throw new Error(`${recording.name} has no chat`);
  const request = { messages: [{ role: "user" as const, content: "Tell me about the river gate." }] };
  const cost = await measure(recording.name, { runs: 40, counted: COUNTED_RUNS.chats }, async () => {
    let deltas = 0;
    for await (const { type } of chat.stream(request, CALL)) if (type === "text-delta") deltas += 1;
    if (deltas !== DELTAS) throw new Error(`${recording.name}: ${deltas} deltas instead of ${DELTAS}`);
  });
  return {
    ...cost,
    micros: cost.micros / DELTAS,
    heapBytes: cost.heapBytes / DELTAS,
    externalBytes: cost.externalBytes / DELTAS,
  };
}

async function measureEmbedding(recording: EmbeddingRecording) {
  const { body, inputs, dimensions, provider: name } = recording;
  const response = { status: 200, headers: { "content-type": "application/json" }, body };
  const transport: Transport = {
    post: async () => response,
    stream: () => Promise.reject(new Error("this benchmark makes no such call")),
    close: async () => undefined,
  };
  const provider: Provider = createRegistry().createProvider(name, recording.account, transport);
  const model = provider.embedding?.(recording.model);
  if (!model) throw new Error(`${recording.name} has no embeddings`);
  const request = {
    inputs: Array.from({ length: inputs }, (_, n) => `Paragraph ${n}: the river gate holds the water back.`),
  };
  const cost = await measure(
    recording.name,
    { runs: inputs > 10 ? 40 : 300, counted: COUNTED_RUNS.embeddings },
    async () => {
      const { vectors } = await model.embed(request, CALL);
      if (vectors.length !== inputs * dimensions) throw new Error(`${recording.name}: ${vectors.length} floats`);
    },
  );
  return { ...cost, floats: inputs * dimensions };
}

const chats: CodecCost[] = [];
for (const recording of recordChats(DELTAS)) chats.push(await measureChat(recording));
const embeddings: (CodecCost & { floats: number })[] = [];
for (const recording of recordEmbeddings()) embeddings.push(await measureEmbedding(recording));
process.stdout.write(JSON.stringify({ chats, embeddings } satisfies DecodeResult));
