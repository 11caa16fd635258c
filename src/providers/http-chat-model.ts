import { ProviderError } from "#src/core/errors.ts";
import { ChatAccumulator } from "./chat-accumulator.ts";
import type { ChatCodec } from "./chat-codec.ts";
import type { Call, ChatEvent, ChatModel, ChatRequest } from "./provider.ts";
import { SseDecoder, type SseEvent, type SseOptions, SseSyntaxError } from "./transport/sse.ts";
import type { HttpRequest, HttpStream, TimeLimits, Transport } from "./transport/transport.ts";

export interface HttpChatOptions<State> {
  readonly provider: string;
  readonly transport: Transport;
  readonly url: URL;
  /** Asked for every call, since some credentials expire. */
  readonly headers: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  readonly codec: ChatCodec<State>;
  readonly framing?: SseOptions["framing"];
}

/** An answer in one piece has its headers when the model is done, which takes minutes for a long one. */
const NON_STREAMING_LIMITS: TimeLimits = { headersMs: 600_000, totalMs: 900_000 };

/** The chat model of a codec over HTTP: one POST per call, streamed as server-sent events. */
export function createHttpChatModel<State>(options: HttpChatOptions<State>): ChatModel {
  const { transport, codec } = options;
  return {
    async generate(request, call) {
      const prepared = await prepare(options, request, false);
      const response = await transport.post({ ...prepared, timeLimits: NON_STREAMING_LIMITS }, call);
      return codec.decode(response, Date.now());
    },
    stream: (request, call) => streamChat(options, request, call),
  };
}

async function prepare<State>(
  { provider, url, headers, codec }: HttpChatOptions<State>,
  request: ChatRequest,
  stream: boolean,
): Promise<HttpRequest> {
  const body = codec.encode(request, stream);
  const accept = stream ? "text/event-stream" : "application/json";
  return {
    provider,
    url,
    headers: { accept, "content-type": "application/json", ...(await headers()) },
    body,
  };
}

/**
 * One streamed call. An answer of another status or content type than an event stream is an error at once; a stream
 * that ends without its terminal marker is one at its end. Bytes become events in one step of one generator: each
 * further one would cost as much per delta as decoding it.
 */
async function* streamChat<State>(
  options: HttpChatOptions<State>,
  request: ChatRequest,
  call: Call,
): AsyncGenerator<ChatEvent> {
  const { codec, transport } = options;
  const stream = await transport.stream(await prepare(options, request, true), call);
  try {
    if (stream.status !== 200 || !isEventStream(stream)) throw codec.classify(await stream.collect(), Date.now());
    const accumulator = new ChatAccumulator(codec.reducer(stream, Date.now()));
    const reader = new EventReader(options, stream);
    for await (const chunk of stream.body) {
      if (call.signal.aborted) break;
      const events = reader.push(chunk);
      if (events.length === 0) continue;
      stream.alive();
      for (const event of accumulator.push(events)) yield event;
      if (!accumulator.isDone) continue;
      stream.drain();
      break;
    }
    if (!accumulator.isDone) {
      if (call.signal.aborted) throw aborted(options.provider, call);
      for (const event of accumulator.push(reader.end())) yield event;
    }
    yield accumulator.end();
  } finally {
    stream.cancel();
  }
}

function aborted(provider: string, { signal }: Call): ProviderError {
  return new ProviderError("the call was aborted", { kind: "aborted", provider, cause: signal.reason });
}

/** Some servers name no content type, and some say text/plain; only what is surely something else is refused. */
function isEventStream({ headers }: HttpStream): boolean {
  const type = String(headers["content-type"] ?? "").toLowerCase();
  return !/^\s*(application\/(\w+\+)?json|text\/html|application\/xml|text\/xml)/.test(type);
}

/** The bytes of a stream as events, or as the error that stands in their place. */
class EventReader<State> {
  readonly #options: HttpChatOptions<State>;
  readonly #stream: HttpStream;
  readonly #decoder: SseDecoder;
  readonly #document = new NonStreamDetector();

  constructor(options: HttpChatOptions<State>, stream: HttpStream) {
    this.#options = options;
    this.#stream = stream;
    this.#decoder = new SseDecoder(options.framing === undefined ? {} : { framing: options.framing });
  }

  push(chunk: Buffer): readonly SseEvent[] {
    return this.#document.tryConsume(chunk) ? [] : this.#decode(() => this.#decoder.push(chunk));
  }

  /** What was held back. Throws the refusal when the stream was none. */
  end(): readonly SseEvent[] {
    const { body } = this.#document;
    if (!body) return this.#decode(() => this.#decoder.end());
    const { status, headers } = this.#stream;
    throw this.#options.codec.classify({ status, headers, body }, Date.now());
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
 * Recognises a JSON object or a page that calls itself an event stream: no line of a stream begins so. Some upstreams
 * refuse a stream this way, and a decoder alone would skip the refusal as a field it does not know.
 */
class NonStreamDetector {
  #parts: Buffer[] | undefined;
  #bytes = 0;
  #decided = false;

  /** The document, or its first MiB; undefined when the answer is a stream. */
  get body(): Buffer | undefined {
    return this.#parts && Buffer.concat(this.#parts);
  }

  tryConsume(chunk: Buffer): boolean {
    if (!this.#decided) {
      const first = chunk.find((byte) => !SPACES.has(byte));
      if (first === undefined) return false;
      this.#decided = true;
      if (first === OPEN_BRACE || first === LESS_THAN) this.#parts = [];
    }
    if (!this.#parts) return false;
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_DOCUMENT_BYTES) this.#parts.push(chunk);
    return true;
  }
}
