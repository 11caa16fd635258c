import type { ProviderErrorKind } from "#src/core/errors.ts";
import type { Provider } from "#src/providers/provider.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import type { Simulator } from "#src/simulator/simulator.ts";

/** One way of talking to a provider, and what its wire looks like. A provider with several protocols is several. */
export interface ConformanceSubject {
  readonly name: string;
  readonly chatModel: string;
  readonly createForSimulator: (simulator: Simulator, transport: Transport) => Provider;
  /** Against a server whose every answer is given by the test. */
  readonly at: (origin: string, transport: Transport) => Provider;
  readonly stream: RecordedStream;
  /** A recorded whole answer with the same text; absent where every answer is a stream. */
  readonly fullResponse?: string;
  /** What comes back and what it means. Status 101 is an accepted WebSocket with the body as its one message. */
  readonly errors: readonly ErrorCase[];
  /** What arrives instead of a stream when it is refused with a 200. */
  readonly refusedStream: readonly [body: string, kind: ProviderErrorKind];
  readonly embeddings: readonly EmbeddingSubject[];
  /** Cut at every byte of real connections as well: once per wire, since that takes seconds. */
  readonly usesRealSockets?: boolean;
}

export type ErrorCase = readonly [status: number, body: string, kind: ProviderErrorKind];

/** A recorded stream of `text`, with fields nobody knows. */
export interface RecordedStream {
  readonly text: string;
  /** The same answer as it may be framed; the first is the one that is cut. */
  readonly variants: readonly (string | Buffer)[];
  /** Bytes of the first variant up to which a cut leaves it incomplete. */
  readonly complete: number;
  /** The text of the first variant event by event; of a WebSocket, its messages. */
  readonly messages: readonly string[];
}

export interface EmbeddingSubject {
  readonly model: string;
  readonly dimensions: number;
  /** The length is known before the first answer, so that another one is refused. */
  readonly isLengthKnown: boolean;
  /** An answer that holds `vectors`, in another order than asked for where the protocol allows it. */
  readonly answer: (vectors: readonly (readonly number[])[]) => string;
}

export const TEXT = "春眠不觉晓 🐦 sings — naïvely.";

const characters = [...TEXT];

/** `TEXT` in increments. */
export const TEXT_DELTAS: readonly string[] = [0, 3, 7, 12, 20].map((start, index, starts) =>
  characters.slice(start, starts[index + 1]).join(""),
);

export const UNKNOWN_FIELDS = { x_unknown: { deep: [1, null] } };

export interface Recording {
  /** What the stream ends with beyond its frames. */
  readonly end?: string;
  /** What stands before the data of an event. */
  readonly prefix?: string;
  /** What stands between two events. */
  readonly separator?: string;
}

/** A stream of server-sent events; the last event is what completes it. */
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

/** `toReversed` on the wire and `index` in every element: the order of the inputs can be found again. */
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
