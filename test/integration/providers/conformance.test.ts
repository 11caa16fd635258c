import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import type {
  ChatEvent,
  ChatModel,
  ChatRequest,
  ChatResponse,
  EmbeddingModel,
  Provider,
} from "#src/providers/provider.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { type Simulator, startSimulator } from "#src/simulator/simulator.ts";
import { SUBJECTS } from "#test/support/conformance/conformance-subjects.ts";
import { createPlaybackTransport } from "#test/support/conformance/playback.ts";
import type { ConformanceSubject, EmbeddingSubject } from "#test/support/conformance/subject.ts";
import {
  encodeCompleteResponse,
  type ResponseOptions,
  startReplayServer,
} from "#test/support/servers/replay-server.ts";
import { encodeCloseFrame, encodeTextMessage } from "#test/support/servers/websocket-frames.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function openTransport(): Transport {
  const transport = createTransport();
  cleanups.push(() => transport.close());
  return transport;
}

async function simulated(subject: ConformanceSubject): Promise<{ simulator: Simulator; provider: Provider }> {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.close());
  return { simulator, provider: subject.createForSimulator(simulator, openTransport()) };
}

interface Replayed {
  readonly provider: Provider;
  /** The response to every request. */
  readonly answer: { body: string | Buffer; options: ResponseOptions; reset?: boolean };
  /** Lengths to which the next responses are truncated, one each. */
  readonly cuts: number[];
  /** Bytes of the last response before truncation, head included. */
  lastLength(): number;
}

/** A provider with scripted responses. */
async function replayed(subject: ConformanceSubject): Promise<Replayed> {
  const answer: Replayed["answer"] = { body: "", options: {} };
  const cuts: number[] = [];
  let lastLength = 0;
  const server = await startReplayServer((socket, request) => {
    const bytes = encodeCompleteResponse(request, answer.body, answer.options);
    lastLength = bytes.length;
    if (answer.reset) socket.write(bytes, () => socket.resetAndDestroy());
    else socket.end(bytes.subarray(0, cuts.shift()));
  });
  cleanups.push(() => server.close());
  const provider = subject.at(server.origin, openTransport());
  return { provider, answer, cuts, lastLength: () => lastLength };
}

function chatOf(provider: Provider, { chatModel }: ConformanceSubject): ChatModel {
  if (!provider.chat) throw new Error("no chat");
  return provider.chat(chatModel);
}

function embeddingOf(provider: Provider, { model }: EmbeddingSubject): EmbeddingModel {
  if (!provider.embedding) throw new Error("no embeddings");
  return provider.embedding(model);
}

const live = () => ({ signal: new AbortController().signal });
const ask = (content: string): ChatRequest => ({ messages: [{ role: "user", content }] });

async function collect(events: AsyncIterable<ChatEvent>): Promise<{ response: ChatResponse; events: ChatEvent[] }> {
  const seen: ChatEvent[] = [];
  for await (const event of events) seen.push(event);
  const last = seen.at(-1);
  if (last?.type !== "end") throw new Error("the stream did not end with `end`");
  expect(seen.filter(({ type }) => type === "end")).toHaveLength(1);
  return { response: last.response, events: seen };
}

async function failure(run: Promise<unknown>): Promise<ProviderError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const BROKEN = ["bad-response", "network"];

async function expectBroken(run: Promise<unknown>): Promise<void> {
  expect(BROKEN).toContain((await failure(run)).kind);
}

/** The fields that must be equal with and without streaming. */
const pickComparableFields = ({ text, reasoning, toolCalls, finishReason, usage, model }: ChatResponse) => ({
  text,
  reasoning,
  toolCalls,
  finishReason,
  usage,
  model,
});

/** Truncates the response at every byte up to `complete` bytes of its body, with several calls at once. */
async function truncateAtEveryByte(
  { cuts, lastLength, answer }: Replayed,
  complete: number,
  run: () => Promise<unknown>,
): Promise<void> {
  await run();
  const head = lastLength() - Buffer.byteLength(answer.body);
  let left = head + complete;
  cuts.push(...Array.from({ length: left }, (_, length) => length));
  const call = async () => {
    while (left-- > 0) await expectBroken(run());
  };
  await Promise.all(Array.from({ length: 8 }, call));
  expect(cuts).toEqual([]);
}

describe.each(SUBJECTS)("$name", (subject) => {
  const { stream, fullResponse, embeddings } = subject;
  const [recording = ""] = stream.variants;

  it("gives the same answer with and without streaming", async () => {
    const chat = chatOf((await simulated(subject)).provider, subject);
    for (const request of [ask("12 + 30"), ask("春眠不觉晓 🐦"), { ...ask("long words here"), maxTokens: 3 }]) {
      const { response, events } = await collect(chat.stream(request, live()));
      expect(pickComparableFields(response)).toEqual(pickComparableFields(await chat.generate(request, live())));
      const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
      expect(text).toBe(response.text);
      expect(events.length).toBeGreaterThan(2);
      expect(response.usage.totalTokens).toBeGreaterThan(0);
    }
  });

  it("reads a recorded answer with unknown fields in any framing", async () => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    for (const body of stream.variants) {
      answer.body = body;
      expect((await collect(chat.stream(ask("x"), live()))).response.text).toBe(stream.text);
    }
    if (fullResponse !== undefined) {
      answer.body = fullResponse;
      answer.options = { contentType: "application/json" };
    }
    expect((await chat.generate(ask("x"), live())).text).toBe(stream.text);
  });

  it("reads a stream with keep-alive comments between its events", async () => {
    if (typeof recording !== "string") return;
    const { provider, answer } = await replayed(subject);
    answer.body = `: keep-alive\n\n${recording.replaceAll("\n\n", "\n\n: OPENROUTER PROCESSING\n\n")}`;
    const { response } = await collect(chatOf(provider, subject).stream(ask("x"), live()));
    expect(response.text).toBe(stream.text);
  });

  it("says before a call which requests it rejects: those that a call would reject, too", async () => {
    const { simulator, provider } = await simulated(subject);
    const chat = chatOf(provider, subject);
    const requests: ChatRequest[] = [
      ...[ask("x"), { messages: [] }, { ...ask("x"), maxTokens: 0 }, { ...ask("x"), temperature: 9 }],
      ...[
        { ...ask("x"), topP: 2 },
        { ...ask("x"), extra: { n: 2 } },
      ],
    ];
    for (const request of requests) {
      const rejected = chat.check?.(request).rejected ?? [];
      if (rejected.length === 0) continue;
      expect(await failure(chat.generate(request, live()))).toMatchObject({ kind: "invalid-request" });
    }
    expect(simulator.statistics().calls).toBe(0);
    expect(chat.check?.(ask("x"))).toEqual({ rejected: [], adjusted: [] });
    expect(chat.check?.({ messages: [] }).rejected).toHaveLength(1);
    if (chat.supportsChoices) expect(chat.check?.({ ...ask("x"), extra: { n: 2 } }).rejected).toEqual([]);
  });

  it.each([
    [401, "auth"],
    [503, "overloaded"],
  ])("prefers status %d to a vague code", async (status, kind) => {
    const { provider, answer } = await replayed(subject);
    const error = { message: "said", type: "invalid_request_error", code: "invalid_request_error" };
    answer.body = JSON.stringify({ error });
    answer.options = { status, contentType: "application/json" };
    expect((await failure(chatOf(provider, subject).generate(ask("x"), live()))).kind).toBe(kind);
  });

  it("never reports an answer truncated at any byte as a success", async () => {
    const attempt = (bytes: Buffer, run: (chat: ChatModel) => Promise<unknown>) =>
      run(chatOf(subject.at("http://playback.invalid", createPlaybackTransport({ bytes })), subject));
    for (let length = 0; length < stream.complete; length++)
      await expectBroken(
        attempt(Buffer.from(recording).subarray(0, length), (chat) => collect(chat.stream(ask("x"), live()))),
      );
    const bytes = Buffer.from(fullResponse ?? "");
    for (let length = 0; length < bytes.length; length++)
      await expectBroken(attempt(bytes.subarray(0, length), (chat) => chat.generate(ask("x"), live())));
  });

  if (subject.usesRealSockets)
    it("never reports a connection closed at any byte as a success", async () => {
      const replay = await replayed(subject);
      const chat = chatOf(replay.provider, subject);
      replay.answer.body = recording;
      await truncateAtEveryByte(replay, stream.complete, () => collect(chat.stream(ask("x"), live())));
      if (fullResponse === undefined) return;
      replay.answer.body = fullResponse;
      replay.answer.options = { contentType: "application/json" };
      await truncateAtEveryByte(replay, Buffer.byteLength(fullResponse), () => chat.generate(ask("x"), live()));
    });

  it("never reports an answer that ends after any event, by a close or a reset, as a success", async () => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    for (let count = 0; count < stream.messages.length; count++) {
      const kept = stream.messages.slice(0, count);
      answer.body = Buffer.isBuffer(recording)
        ? Buffer.concat([...kept.map((message) => encodeTextMessage(message)), encodeCloseFrame()])
        : kept.map((message) => `data: ${message}\n\n`).join("");
      for (const reset of [false, true]) {
        answer.reset = reset;
        await expectBroken(collect(chat.stream(ask("x"), live())));
      }
    }
  });

  it("gives the same text for any chunks, and no success for any prefix", async () => {
    const bytes = Buffer.from(recording);
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 60 });
    const texts = stream.messages;
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(stream.complete - 1), async (edges, end) => {
        const split = createPlaybackTransport({ bytes, edges, messages: texts });
        const { response } = await collect(
          chatOf(subject.at("http://playback.invalid", split), subject).stream(ask("x"), live()),
        );
        expect(response.text).toBe(stream.text);
        const cut = createPlaybackTransport({
          bytes: bytes.subarray(0, end),
          edges,
          messages: texts.slice(0, end % texts.length),
        });
        await expectBroken(
          collect(chatOf(subject.at("http://playback.invalid", cut), subject).stream(ask("x"), live())),
        );
      }),
      { numRuns: 100 },
    );
  });

  it("is aborted promptly with and without streaming, and leaves nothing in flight", async () => {
    const { simulator, provider } = await simulated(subject);
    const chat = chatOf(provider, subject);
    simulator.configure({ latency: { fixedMs: 60_000 } });
    const stopWhole = new AbortController();
    const generating = failure(chat.generate(ask("x"), stopWhole));
    const stopSilent = new AbortController();
    const waiting = failure(collect(chat.stream(ask("x"), stopSilent)));
    await waitFor(() => simulator.statistics().inFlight === 2);
    stopWhole.abort();
    stopSilent.abort();
    expect((await generating).kind).toBe("aborted");
    expect((await waiting).kind).toBe("aborted");
    simulator.configure({ latency: { fixedMs: 0 }, deltaMs: 60_000 });
    const stopStream = new AbortController();
    const streaming = failure(collect(chat.stream(ask("x"), stopStream)));
    await waitFor(() => simulator.statistics().inFlight === 1);
    stopStream.abort();
    expect((await streaming).kind).toBe("aborted");
    await waitFor(() => simulator.statistics().inFlight === 0);
    expect((await failure(chat.generate(ask("x"), { signal: AbortSignal.abort() }))).kind).toBe("aborted");
  });

  it.each(subject.errors)("maps status %d %s to %s", async (status, body, kind) => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    answer.body = body;
    answer.options = { status, contentType: body.startsWith("<") ? "text/html" : "application/json" };
    const failures = [
      await failure(chat.generate(ask("PROMPT"), live())),
      await failure(collect(chat.stream(ask("PROMPT"), live()))),
    ];
    for (const embedding of embeddings)
      failures.push(await failure(embeddingOf(provider, embedding).embed({ inputs: ["PROMPT"] }, live())));
    for (const error of failures) {
      expect(error.kind).toBe(kind);
      expect(error.message).not.toContain("PROMPT");
    }
  });

  it("maps an error instead of a stream, with any content type", async () => {
    const { provider, answer } = await replayed(subject);
    const [body, kind] = subject.rejectedStream;
    answer.body = body;
    for (const contentType of ["application/json", "text/event-stream", "text/plain"]) {
      answer.options = { contentType };
      expect((await failure(collect(chatOf(provider, subject).stream(ask("x"), live())))).kind).toBe(kind);
    }
  });

  describe.each(embeddings)("embeddings of $model", (embedding) => {
    const { dimensions } = embedding;
    const vectorOf = (value: number) => new Array<number>(dimensions).fill(value);

    it("keep the order of the inputs for any order of the response", async () => {
      const { provider, answer } = await replayed(subject);
      answer.options = { contentType: "application/json" };
      const model = embeddingOf(provider, embedding);
      const inputs = ["a", "b", "c"].slice(0, model.maxInputs);
      const vectors = inputs.map((_, index) => vectorOf(index + 1));
      answer.body = embedding.answer(vectors);
      const response = await model.embed({ inputs }, live());
      expect(response.dimensions).toBe(dimensions);
      expect([...response.vectors]).toEqual(vectors.flat());
    });

    it("are the same for a batch as for single inputs", async () => {
      const model = embeddingOf((await simulated(subject)).provider, embedding);
      const inputs = ["first", "第二 🐦", "third"].slice(0, model.maxInputs);
      const together = await model.embed({ inputs }, live());
      for (const [index, input] of inputs.entries()) {
        const alone = await model.embed({ inputs: [input] }, live());
        expect(alone.vectors).toHaveLength(together.dimensions);
        expect(together.vectors.subarray(index * together.dimensions, (index + 1) * together.dimensions)).toEqual(
          alone.vectors,
        );
      }
    });

    it("never come from a response that is truncated at any byte, or has missing, extra or invalid vectors", async () => {
      const body = Buffer.from(embedding.answer([vectorOf(1)]));
      const embed = (bytes: Buffer | string) =>
        embeddingOf(
          subject.at("http://playback.invalid", createPlaybackTransport({ bytes: Buffer.from(bytes) })),
          embedding,
        ).embed({ inputs: ["x"] }, live());
      expect([...(await embed(body)).vectors]).toEqual(vectorOf(1));
      // One codec serves all models of a subject.
      const step = embedding === embeddings[0] ? 1 : 97;
      for (let length = 0; length < body.length; length += step) await expectBroken(embed(body.subarray(0, length)));
      const short = embedding.isLengthKnown ? [[vectorOf(1).slice(1)]] : [];
      for (const vectors of [[], [vectorOf(1), vectorOf(2)], [vectorOf(0)], ...short])
        await expectBroken(embed(embedding.answer(vectors)));
    });
  });
});
