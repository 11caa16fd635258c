import { ProviderError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { ChatAccumulator } from "./chat-accumulator.ts";
import type { ChatCodec } from "./chat-codec.ts";
import type { Call, ChatEvent, ChatModel, ChatRequest, ChatResponse } from "./provider.ts";
import { SseDecoder, type SseEvent, type SseOptions, SseSyntaxError } from "./transport/sse.ts";
import type { HttpRequest, HttpResponse, HttpStream, TimeLimits, Transport } from "./transport/transport.ts";

interface HttpChatOptions<State> {
  readonly provider: string;
  readonly transport: Transport;
  readonly url: URL;
  /** For requests of streams, if it differs. */
  readonly streamUrl?: URL;
  /** Called for every request, because some credentials expire. */
  readonly headers: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  readonly codec: ChatCodec<State>;
  readonly framing?: SseOptions["framing"];
  readonly streamsUpstream?: ChatModel["streamsUpstream"];
  readonly supportsChoices?: boolean | undefined;
  /** Replace the limits of the transport, and those of a complete answer. */
  readonly timeLimits?: TimeLimits;
}

/** Without streaming, the headers arrive when the answer is complete, which takes minutes for a long one. */
const NON_STREAMING_LIMITS: TimeLimits = { headersMs: 600_000, totalMs: 900_000 };

/** A chat model over HTTP: one POST per call, answered as JSON or as server-sent events. */
export function createHttpChatModel<State>(options: HttpChatOptions<State>): ChatModel {
  const { transport, codec, streamsUpstream, supportsChoices } = options;
  return {
    streamsUpstream,
    supportsChoices,
    check: (request) => codec.check(request),
    async generate(request, call) {
      const prepared = await prepare(options, request, false);
      const timeLimits = { ...NON_STREAMING_LIMITS, ...omitUndefined(options.timeLimits ?? {}) };
      const response = await transport.post({ ...prepared, timeLimits }, call);
      return isEventText(response) ? decodeEvents(options, response) : codec.decode(response, Date.now());
    },
    stream: (request, call) => streamChat(options, request, call),
  };
}

async function prepare<State>(
  { provider, url, streamUrl = url, headers, codec, timeLimits }: HttpChatOptions<State>,
  request: ChatRequest,
  stream: boolean,
): Promise<HttpRequest> {
  const body = codec.encode(request, stream);
  const accept = stream ? "text/event-stream" : "application/json";
  return {
    provider,
    url: stream ? streamUrl : url,
    headers: { accept, "content-type": "application/json", ...(await headers()) },
    body,
    timeLimits,
  };
}

/**
 * One streamed call. A response with an error status, or of another content type, throws immediately; a stream without its
 * terminal marker throws at its end. A single generator turns bytes into chat events: each further generator would cost as
 * much per delta as decoding it.
 */
async function* streamChat<State>(
  options: HttpChatOptions<State>,
  request: ChatRequest,
  call: Call,
): AsyncGenerator<ChatEvent> {
  const { codec, transport } = options;
  const stream = await transport.stream(await prepare(options, request, true), call);
  try {
    if (stream.status !== 200) throw codec.classify(await stream.collect(), Date.now());
    if (!isEventStream(stream)) {
      yield* toEvents(codec.decode(await stream.collect(), Date.now()));
      return;
    }
    const accumulator = new ChatAccumulator(codec.reducer(stream, Date.now()));
    const reader = new EventReader(options, stream);
    for await (const chunk of stream.body) {
      if (call.signal.aborted) break;
      const events = reader.push(chunk);
      if (events.length > 0 || reader.takeComment()) {
        stream.alive();
        call.onAlive?.();
      }
      if (events.length === 0) continue;
      for (const event of accumulator.push(events)) yield event;
      if (!accumulator.isDone) continue;
      stream.drain();
      break;
    }
    if (!accumulator.isDone) {
      if (call.signal.aborted) throw createAbortedError(options.provider, call);
      const answer = reader.readDocument();
      if (answer) {
        yield* toEvents(answer);
        return;
      }
      for (const event of accumulator.push(reader.end())) yield event;
    }
    yield accumulator.end();
  } finally {
    stream.cancel();
  }
}

/** Some gateways answer with a complete answer although a stream was requested: it has been paid for. */
function* toEvents(response: ChatResponse): Generator<ChatEvent> {
  const { reasoning, text, toolCalls = [] } = response;
  if (reasoning) yield { type: "reasoning-delta", text: reasoning };
  if (text) yield { type: "text-delta", text };
  for (const [index, call] of toolCalls.entries()) yield { type: "tool-call-delta", index, ...call };
  yield { type: "end", response };
}

/** Some gateways stream although a complete answer was requested. JSON begins with none of these. */
function isEventText({ status, body }: HttpResponse): boolean {
  return status === 200 && /^\s*(data:|event:|id:|retry:|:)/.test(body.toString("latin1", 0, 64));
}

/** The answer of a complete stream. */
function decodeEvents<State>(
  { codec, framing, provider }: HttpChatOptions<State>,
  response: HttpResponse,
): ChatResponse {
  const decoder = new SseDecoder(framing === undefined ? {} : { framing });
  const accumulator = new ChatAccumulator(codec.reducer(response, Date.now()));
  try {
    for (const events of [decoder.push(response.body), decoder.end()])
      if (!accumulator.isDone) for (const _ of accumulator.push(events));
  } catch (error) {
    if (!(error instanceof SseSyntaxError)) throw error;
    throw new ProviderError(error.message, { kind: "bad-response", provider, status: response.status });
  }
  return accumulator.finish();
}

function createAbortedError(provider: string, { signal }: Call): ProviderError {
  return new ProviderError("the call was aborted", { kind: "aborted", provider, cause: signal.reason });
}

/** Some servers send no content type or text/plain, so only types that are certainly not a stream are rejected. */
function isEventStream({ headers }: HttpStream): boolean {
  const type = String(headers["content-type"] ?? "").toLowerCase();
  return !/^\s*(application\/(\w+\+)?json|text\/html|application\/xml|text\/xml)/.test(type);
}

/** Decodes the bytes of a stream into events, and recognizes an error that was sent instead of a stream. */
class EventReader<State> {
  readonly #options: HttpChatOptions<State>;
  readonly #stream: HttpStream;
  readonly #decoder: SseDecoder;
  readonly #detector = new NonStreamDetector();

  constructor(options: HttpChatOptions<State>, stream: HttpStream) {
    this.#options = options;
    this.#stream = stream;
    this.#decoder = new SseDecoder(options.framing === undefined ? {} : { framing: options.framing });
  }

  push(chunk: Buffer): readonly SseEvent[] {
    return this.#detector.tryConsume(chunk) ? [] : this.#decode(() => this.#decoder.push(chunk));
  }

  takeComment(): boolean {
    return this.#decoder.takeComment();
  }

  /** The answer, if the response was a complete one instead of a stream; throws its error. Undefined for a stream. */
  readDocument(): ChatResponse | undefined {
    const { body } = this.#detector;
    const { status, headers } = this.#stream;
    return body && this.#options.codec.decode({ status, headers, body }, Date.now());
  }

  /** The remaining events. */
  end(): readonly SseEvent[] {
    return this.#decode(() => this.#decoder.end());
  }

  #decode(decode: () => readonly SseEvent[]): readonly SseEvent[] {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof SseSyntaxError)) throw error;
      const { provider } = this.#options;
      throw new ProviderError(error.message, { kind: "bad-response", provider, status: this.#stream.status });
    }
  }
}

const MAX_DOCUMENT_BYTES = 1024 * 1024;
const SPACES = new Set([9, 10, 13, 32]);
const OPEN_BRACE = 123;
const LESS_THAN = 60;

/**
 * Recognizes a JSON object or HTML page that was sent with the content type of an event stream. Some upstreams report errors
 * in this way, and the decoder alone would skip the error as an unknown field.
 */
class NonStreamDetector {
  #parts: Buffer[] | undefined;
  #bytes = 0;
  #isDecided = false;

  /** The document, at most its first MiB; undefined for a stream. */
  get body(): Buffer | undefined {
    return this.#parts && Buffer.concat(this.#parts);
  }

  tryConsume(chunk: Buffer): boolean {
    if (!this.#isDecided) {
      const first = chunk.find((byte) => !SPACES.has(byte));
      if (first === undefined) return false;
      this.#isDecided = true;
      if (first === OPEN_BRACE || first === LESS_THAN) this.#parts = [];
    }
    if (!this.#parts) return false;
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_DOCUMENT_BYTES) this.#parts.push(chunk);
    return true;
  }
}
