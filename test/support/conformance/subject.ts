import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { Provider } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import type { Simulator } from "#src/simulator/simulator.ts";

/** One wire protocol of a provider, with recorded responses. A provider with several protocols has several subjects. */
export interface ConformanceSubject {
  readonly name: string;
  readonly chatModel: string;
  readonly createForSimulator: (simulator: Simulator, transport: Transport) => Provider;
  /** Creates the provider for a server whose responses the test defines. */
  readonly at: (origin: string, transport: Transport) => Provider;
  readonly stream: RecordedStream;
  /** A recorded non-streamed response with the same text; undefined if the protocol only streams. */
  readonly fullResponse?: string;
  /** Error responses and their kinds. Status 101: an accepted WebSocket whose only message is the body. */
  readonly errors: readonly ErrorCase[];
  /** Body and kind of a response with status 200 that rejects a stream. */
  readonly rejectedStream: readonly [body: string, kind: ProviderErrorKind];
  readonly embeddings: readonly EmbeddingSubject[];
  /** The model refuses to answer, or the vendor withdraws its answer: bodies of a complete response and of a stream. */
  readonly refusal: { readonly whole: string; readonly stream: string };
  /** Reasoning that the vendor wants back; otherwise why there is none. */
  readonly reasoning: ReasoningCase | string;
  /** Also cuts real connections at every byte: for one subject per codec, because that takes seconds. */
  readonly usesRealSockets?: boolean;
}

export interface ReasoningCase {
  /** A complete response with reasoning. */
  readonly answer: string;
  /** The assistant's message, or its fields that matter, in the request of the next turn. */
  readonly sentBack: Readonly<Record<string, unknown>>;
}

export type ErrorCase = readonly [status: number, body: string, kind: ProviderErrorKind];

/** A recorded stream of `text`, with unknown fields. */
export interface RecordedStream {
  readonly text: string;
  /** The same response in different framings. Tests cut the first one. */
  readonly variants: readonly (string | Buffer)[];
  /** The first variant is complete from this length on, in bytes. */
  readonly complete: number;
  /** Data of the first variant's events, or messages of a WebSocket. */
  readonly messages: readonly string[];
}

export interface EmbeddingSubject {
  readonly model: string;
  readonly dimensions: number;
  /** The model's dimensions are known in advance, so vectors of another length are rejected. */
  readonly isLengthKnown: boolean;
  /** Encodes a response with `vectors`, in a different order than requested if the protocol allows it. */
  readonly answer: (vectors: readonly (readonly number[])[]) => string;
}

export const TEXT = "春眠不觉晓 🐦 sings — naïvely.";

const characters = [...TEXT];

/** `TEXT`, split into deltas. */
export const TEXT_DELTAS: readonly string[] = [0, 3, 7, 12, 20].map((start, index, starts) =>
  characters.slice(start, starts[index + 1]).join(""),
);

export const UNKNOWN_FIELDS = { x_unknown: { deep: [1, null] } };

export interface Recording {
  /** Data of a final event after the frames. */
  readonly end?: string;
  /** Prefix of an event's data. Default: "data: ". */
  readonly prefix?: string;
  /** Separator of events. Default: an empty line. */
  readonly separator?: string;
}

/** Records a stream of server-sent events. It is complete with its last event. */
export function recordEvents(frames: readonly unknown[], options: Recording = {}): RecordedStream {
  const { end, prefix = "data: ", separator = "\n\n" } = options;
  const messages = frames.map((frame) => JSON.stringify(frame));
  if (end !== undefined) messages.push(end);
  const body = messages.map((message) => `${prefix}${message}${separator}`).join("");
  return {
    text: TEXT,
    variants: [body, body.replaceAll("\n", "\r\n"), `\uFEFF: hi\n${body}`],
    complete: Buffer.byteLength(body) - separator.length,
    messages,
  };
}

/** Records a stream whose events have the names of their types. */
export function recordNamedEvents(events: readonly { readonly type: string }[]): RecordedStream {
  const messages = events.map((event) => JSON.stringify(event));
  const body = events.map(({ type }, index) => `event: ${type}\ndata: ${messages[index]}\n\n`).join("");
  return {
    text: TEXT,
    variants: [body, body.replaceAll("\n", "\r\n"), `\uFEFF: hi\n${body}`],
    complete: Buffer.byteLength(body) - 2,
    messages,
  };
}

/** A complete answer of the OpenAI protocol with these fields in its message. */
export function encodeCompletion(message: object, finishReason = "stop"): string {
  return JSON.stringify({
    id: "c",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finishReason }],
    usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 },
  });
}

/** A stream of the OpenAI protocol with one delta. */
export function encodeDelta(delta: object, finishReason = "stop"): string {
  const choice = { index: 0, delta: { role: "assistant", ...delta }, finish_reason: finishReason };
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [choice] })}\n\ndata: [DONE]\n\n`;
}

/** An OpenAI embedding response in reverse order; `index` gives the position of each input. */
export function encodeReversed(vectors: readonly (readonly number[])[]): string {
  const data = vectors.map((embedding, index) => ({
    object: "embedding",
    index,
    embedding,
    ...UNKNOWN_FIELDS,
  }));
  return JSON.stringify({
    object: "list",
    data: data.toReversed(),
    usage: { prompt_tokens: 1, total_tokens: 1 },
  });
}
