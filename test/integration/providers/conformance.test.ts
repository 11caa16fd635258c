import { afterEach, describe, expect, it } from "vitest";
import { ProviderError } from "../../../src/core/errors.ts";
import type {
  ChatEvent,
  ChatModel,
  ChatRequest,
  ChatResponse,
  Provider,
} from "../../../src/providers/provider.ts";
import { createTransport } from "../../../src/providers/transport/http.ts";
import type { Transport } from "../../../src/providers/transport/transport.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { SUBJECTS, type Subject } from "../../support/conformance-subjects.ts";
import { type Reply, reply, startReplayServer } from "../../support/replay-server.ts";
import { waitFor } from "../../support/wait-for.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function openTransport(): Transport {
  const transport = createTransport();
  cleanups.push(() => transport.close());
  return transport;
}

async function simulated(subject: Subject): Promise<{ simulator: Simulator; provider: Provider }> {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.close());
  return { simulator, provider: subject.onSimulator(simulator, openTransport()) };
}

/** A provider all of whose answers are these bytes, until others are set. */
async function replayed(subject: Subject) {
  const answer: { body: string | Buffer; options: Reply } = { body: "", options: {} };
  const server = await startReplayServer((socket) => reply(socket, answer.body, answer.options));
  cleanups.push(() => server.close());
  return { provider: subject.at(server.origin, openTransport()), answer };
}

function chatOf(provider: Provider, { chatModel }: Subject): ChatModel {
  if (!provider.chat) throw new Error("no chat");
  return provider.chat(chatModel);
}

const live = () => ({ signal: new AbortController().signal });
const ask = (content: string): ChatRequest => ({ messages: [{ role: "user", content }] });

async function collect(
  events: AsyncIterable<ChatEvent>,
): Promise<{ response: ChatResponse; events: ChatEvent[] }> {
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

/** What must not differ between a streamed answer and a whole one. */
const essence = ({ text, reasoning, toolCalls, finishReason, usage, model }: ChatResponse) => ({
  text,
  reasoning,
  toolCalls,
  finishReason,
  usage,
  model,
});

describe.each(SUBJECTS)("$name", (subject) => {
  const { stream, whole, embedding } = subject;

  it("gives the same answer streamed and whole", async () => {
    const chat = chatOf((await simulated(subject)).provider, subject);
    for (const request of [
      ask("12 + 30"),
      ask("春眠不觉晓 🐦"),
      { ...ask("long words here"), maxTokens: 3 },
    ]) {
      const { response, events } = await collect(chat.stream(request, live()));
      expect(essence(response)).toEqual(essence(await chat.generate(request, live())));
      const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
      expect(text).toBe(response.text);
      expect(events.length).toBeGreaterThan(2);
      expect(response.usage.totalTokens).toBeGreaterThan(0);
    }
  });

  it("reads a recorded answer with fields nobody knows", async () => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    for (const body of [stream.body, stream.body.replaceAll("\n", "\r\n"), `\uFEFF: hi\n${stream.body}`]) {
      answer.body = body;
      expect((await collect(chat.stream(ask("x"), live()))).response.text).toBe(stream.text);
    }
    answer.body = whole;
    answer.options = { contentType: "application/json" };
    expect((await chat.generate(ask("x"), live())).text).toBe(stream.text);
  });

  it("never takes an answer cut at any byte for a success", async () => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    const attempt = async (body: Buffer, run: () => Promise<unknown>) => {
      answer.body = body;
      expect(["bad-response", "network"]).toContain((await failure(run())).kind);
    };
    const streamed = Buffer.from(stream.body);
    for (let length = 0; length < stream.complete; length++)
      await attempt(streamed.subarray(0, length), () => collect(chat.stream(ask("x"), live())));
    answer.options = { contentType: "application/json" };
    const bytes = Buffer.from(whole);
    for (let length = 0; length < bytes.length; length++)
      await attempt(bytes.subarray(0, length), () => chat.generate(ask("x"), live()));
  });

  it("is aborted promptly, whole and streamed, and leaves nothing in flight", async () => {
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

  it.each(subject.errors)("maps HTTP %d %s to %s", async (status, body, kind) => {
    const { provider, answer } = await replayed(subject);
    const chat = chatOf(provider, subject);
    answer.body = body;
    answer.options = { status, contentType: body.startsWith("<") ? "text/html" : "application/json" };
    const failures = [
      await failure(chat.generate(ask("PROMPT"), live())),
      await failure(collect(chat.stream(ask("PROMPT"), live()))),
    ];
    if (embedding && provider.embedding)
      failures.push(await failure(provider.embedding(embedding.model).embed({ inputs: ["PROMPT"] }, live())));
    for (const error of failures) {
      expect(error.kind).toBe(kind);
      expect(error.message).not.toContain("PROMPT");
    }
  });

  it("takes a refused stream for the error it is, whatever it calls itself", async () => {
    const { provider, answer } = await replayed(subject);
    const [body, kind] = subject.refusedStream;
    answer.body = body;
    for (const contentType of ["application/json", "text/event-stream", "text/plain"]) {
      answer.options = { contentType };
      expect((await failure(collect(chatOf(provider, subject).stream(ask("x"), live())))).kind).toBe(kind);
    }
  });

  it.runIf(embedding)("keeps the vectors in the order of the inputs", async () => {
    if (!embedding) return;
    const { provider, answer } = await replayed(subject);
    const model = provider.embedding?.(embedding.model);
    const vectors = [1, 2, 3].map((value) => new Array<number>(embedding.dimensions).fill(value));
    answer.body = embedding.shuffled(vectors);
    answer.options = { contentType: "application/json" };
    const response = await model?.embed({ inputs: ["a", "b", "c"] }, live());
    expect([...(response?.vectors ?? [])]).toEqual(vectors.flat());
    const { provider: real } = await simulated(subject);
    const together = await real.embedding?.(embedding.model).embed({ inputs: ["a", "b"] }, live());
    const alone = await real.embedding?.(embedding.model).embed({ inputs: ["b"] }, live());
    expect(together?.vectors.subarray(embedding.dimensions)).toEqual(alone?.vectors);
  });
});
