import { afterEach, describe, expect, it } from "vitest";
import { decideAfterFailure } from "#src/core/failures/decide-after-failure.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { isRefusal } from "#src/producer/run-kinds/batch/format-chat-line.ts";
import { isObject, parseObject, readField } from "#src/providers/json-value.ts";
import type { ChatModel, ChatRequest, ChatResponse, Provider } from "#src/providers/provider.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { needsProbe } from "#src/workers/calls/probe-after-auth-error.ts";
import { AnswerCollector } from "#src/workers/dispatch/answer-collector.ts";
import { combineChoices, splitChoices } from "#src/workers/dispatch/choices.ts";
import { SUBJECTS } from "#test/support/conformance/conformance-subjects.ts";
import type { ConformanceSubject } from "#test/support/conformance/subject.ts";
import {
  encodeCompleteResponse,
  type ResponseOptions,
  startReplayServer,
} from "#test/support/servers/replay-server.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Scripted {
  readonly provider: Provider;
  readonly chat: ChatModel;
  /** Bodies of the HTTP requests so far. */
  readonly bodies: unknown[];
  /** Sets the response to all further requests. */
  answer(body: string | Buffer, options?: ResponseOptions): void;
}

const JSON_TYPE = { contentType: "application/json" };

async function openScripted(subject: ConformanceSubject): Promise<Scripted> {
  let response: readonly [string | Buffer, ResponseOptions] = ["", {}];
  const bodies: unknown[] = [];
  const server = await startReplayServer((socket, request) => {
    bodies.push(parseObject(request.slice(request.indexOf("\r\n\r\n") + 4)));
    socket.end(encodeCompleteResponse(request, ...response));
  });
  const transport = createTransport();
  cleanups.push(
    () => server.close(),
    () => transport.close(),
  );
  const provider = subject.at(server.origin, transport);
  if (!provider.chat) throw new Error("no chat");
  return {
    provider,
    chat: provider.chat(subject.chatModel),
    bodies,
    answer(body, options = JSON_TYPE) {
      response = [body, options];
    },
  };
}

const live = () => ({ signal: new AbortController().signal });
const ask = (content: string): ChatRequest => ({ messages: [{ role: "user", content }] });

async function stream(chat: ChatModel): Promise<ChatResponse> {
  for await (const event of chat.stream(ask("x"), live())) if (event.type === "end") return event.response;
  throw new Error("the stream did not end with `end`");
}

async function failure(run: Promise<unknown>): Promise<ProviderError> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ProviderError) return error;
  throw error ?? new Error("it was accepted");
}

/** The choices of the answer in `output.jsonl`. */
function writeChoices(response: ChatResponse): unknown[] {
  const choices = writeChatCompletion(response, { id: "i", created: 1, model: "m" }).choices;
  return Array.isArray(choices) ? choices : [];
}

/** A refusal is an error of the input, or an answer that says so and is counted as a refusal. */
async function expectRefusal(run: Promise<ChatResponse>): Promise<void> {
  const outcome = await run.catch((error: unknown) => error);
  if (outcome instanceof ProviderError) return expect(outcome.kind).toBe("content-filter");
  if (outcome instanceof Error) throw outcome;
  const response = outcome as ChatResponse;
  expect(isRefusal(response)).toBe(true);
  const [choice] = writeChoices(response);
  const says = readField(readField(choice, "message"), "refusal") ?? readField(choice, "finish_reason");
  expect(["No.", "content_filter"]).toContain(says);
}

/** The complete recorded answer, or the recorded stream of a protocol that only streams. */
const recordedAnswer = ({ fullResponse, stream: { variants } }: ConformanceSubject) =>
  fullResponse ?? variants[0] ?? "";

/** The recorded answer with a second choice. */
function withSecondChoice(answer: string): string {
  const body = parseObject(answer) ?? {};
  const choices: unknown[] = Array.isArray(body.choices) ? body.choices : [];
  return JSON.stringify({ ...body, choices: [...choices, ...choices.map((one) => ({ ...Object(one), index: 1 }))] });
}

/** The record of an item with one answer per call, or all answers of one call. */
function combine(answers: readonly ChatResponse[]): ChatResponse {
  const collector = new AnswerCollector(answers.length, combineChoices);
  const combined = answers.map((answer, position) => collector.add(position, answer)).at(-1);
  const record = answers.length === 1 ? answers[0] : combined;
  if (!record) throw new Error("an answer is missing");
  return record;
}

describe.each(SUBJECTS)("$name", (subject) => {
  const { refusal, reasoning, embeddings } = subject;

  it("never reports a refusal as an empty success", async () => {
    const { chat, answer } = await openScripted(subject);
    answer(refusal.whole);
    await expectRefusal(chat.generate(ask("x"), live()));
    answer(refusal.stream, { contentType: "text/event-stream" });
    await expectRefusal(stream(chat));
  });

  it("fails only the input that the vendor flagged", async () => {
    const { provider, chat, answer } = await openScripted(subject);
    const flagged = subject.errors.filter(([, , kind]) => kind === "content-filter");
    if (flagged.length === 0) flagged.push([200, refusal.whole, "content-filter"]);
    for (const [status, body] of flagged) {
      answer(body, { ...JSON_TYPE, status });
      const error = await failure(chat.generate(ask("x"), live()));
      const call = { error, attempts: 1, snoozes: 0, faultStreak: 0 };
      expect(decideAfterFailure({ ...call, inputs: 1 })).toEqual({ action: "fail" });
      const [embedding] = embeddings;
      if (!embedding || !provider.embedding || body === refusal.whole) continue;
      const refused = await failure(provider.embedding(embedding.model).embed({ inputs: ["x"] }, live()));
      expect(decideAfterFailure({ ...call, error: refused, inputs: 3 })).toEqual({ action: "bisect", cause: "input" });
    }
    answer(recordedAnswer(subject));
    expect((await chat.generate(ask("other"), live())).text).toBe(subject.stream.text);
  });

  it("probes the account after a page of a firewall with status 403, instead of stopping the lane", async () => {
    const { chat, answer } = await openScripted(subject);
    answer("<html><title>blocked</title></html>", { status: 403, contentType: "text/html" });
    const error = await failure(chat.generate(ask("x"), live()));
    expect(error).toMatchObject({ kind: "auth", status: 403 });
    expect(needsProbe(error, [])).toBe(true);
  });

  it("gives as many answers as `n` requests, by one call or by parallel calls, in one record", async () => {
    const { chat, bodies, answer } = await openScripted(subject);
    const request: ChatRequest = { ...ask("x"), extra: { n: 2 } };
    expect(chat.check?.(request).rejected).toHaveLength(chat.supportsChoices ? 0 : 1);
    const recorded = recordedAnswer(subject);
    answer(chat.supportsChoices ? withSecondChoice(String(recorded)) : recorded);
    const requests = chat.supportsChoices ? [request] : splitChoices(request);
    for (const one of requests) expect(chat.check?.(one).rejected).toEqual([]);
    const answers = await Promise.all(requests.map((one) => chat.generate(one, live())));
    const record = combine(answers);
    expect(writeChoices(record)).toMatchObject([{ index: 0 }, { index: 1 }]);
    expect([record, ...(record.choices ?? [])].map(({ text }) => text)).toEqual(Array(2).fill(subject.stream.text));
    for (const body of bodies) expect(readField(body, "n")).toBe(chat.supportsChoices ? 2 : undefined);
  });

  it("sends reasoning back as the vendor requires it", async (context) => {
    if (typeof reasoning === "string") return context.skip(reasoning);
    const { chat, bodies, answer } = await openScripted(subject);
    answer(reasoning.answer);
    const [choice] = writeChoices(await chat.generate(ask("6 * 7?"), live()));
    const messages = [...ask("6 * 7?").messages, readField(choice, "message"), ...ask("and 6 * 8?").messages];
    const read = readChatRequest({ messages });
    if ("problems" in read) throw new Error(read.problems.join("; "));
    await chat.generate(read.request, live());
    const sent = bodies.at(-1);
    expect(readField(sent, "messages") ?? readField(sent, "contents")).toContainEqual(
      expect.objectContaining(reasoning.sentBack),
    );
  });

  describe.each(embeddings)("embeddings of $model", (embedding) => {
    const hasIndexes = Array.isArray(parseObject(embedding.answer([]))?.data);
    const variants = {
      "no index": () => true,
      "no index where it is 0": (index: unknown) => index === 0,
    };
    it.for(Object.entries(variants))("keep their places with %s", async ([, isMissing], context) => {
      if (!hasIndexes) return context.skip("the protocol has no indexes: vectors are in the order of the inputs");
      const { provider, answer } = await openScripted(subject);
      const model = provider.embedding?.(embedding.model);
      if (!model) throw new Error("no embeddings");
      const inputs = ["a", "b", "c"].slice(0, model.maxInputs);
      const vectors = inputs.map((__, index) => new Array<number>(embedding.dimensions).fill(index + 1));
      answer(omitIndexes(embedding.answer(vectors), isMissing));
      expect([...(await model.embed({ inputs }, live())).vectors]).toEqual(vectors.flat());
    });
  });
});

/** An embedding response in the order of the inputs, without some indexes. */
function omitIndexes(answer: string, isMissing: (index: unknown) => boolean): string {
  const body = parseObject(answer) ?? {};
  const list: unknown[] = Array.isArray(body.data) ? body.data : [];
  const data = list
    .filter(isObject)
    .sort((a, b) => Number(a.index) - Number(b.index))
    .map((one) => ({ ...one, index: isMissing(one.index) ? undefined : one.index }));
  return JSON.stringify({ ...body, data });
}
