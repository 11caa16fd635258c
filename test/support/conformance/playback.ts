import type { HttpResponse, Transport } from "#src/providers/transport/transport.ts";

export interface Playback {
  /** The body of every HTTP response. */
  readonly bytes: Buffer;
  /** Offsets at which a streamed body is split, in any order. */
  readonly edges?: readonly number[];
  /** The messages of every WebSocket exchange. */
  readonly messages?: readonly string[];
}

/** A transport without a network that replays recorded bytes, split at the given positions. */
export function createPlaybackTransport({ bytes, edges = [], messages = [] }: Playback): Transport {
  const response: HttpResponse = { status: 200, headers: { "content-type": "text/event-stream" }, body: bytes };
  return {
    post: async () => ({ ...response, headers: { "content-type": "application/json" } }),
    stream: async () => ({
      status: response.status,
      headers: response.headers,
      body: splitBytes(bytes, edges),
      alive: () => undefined,
      collect: async () => response,
      drain: () => undefined,
      cancel: () => undefined,
    }),
    openSocket: async () => ({ frames: groupMessages(messages, edges), cancel: () => undefined }),
    close: async () => undefined,
  };
}

async function* splitBytes(bytes: Buffer, edges: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const edge of [...edges, bytes.length].sort((a, b) => a - b)) {
    const end = Math.min(edge, bytes.length);
    // A copy that is cleared after use, so that tests fail if a reader keeps a reference to it.
    const piece = Buffer.from(bytes.subarray(start, end));
    yield piece;
    piece.fill(0);
    start = end;
  }
}

/** A WebSocket delivers complete messages, in groups of any size. */
async function* groupMessages(
  messages: readonly string[],
  edges: readonly number[],
): AsyncGenerator<readonly string[]> {
  let start = 0;
  for (const edge of [...edges.map((one) => one % (messages.length + 1)), messages.length].sort((a, b) => a - b)) {
    yield messages.slice(start, edge);
    start = edge;
  }
}
