import type { HttpResponse, Transport } from "#src/providers/transport/transport.ts";

export interface Playback {
  /** The body of every HTTP answer. */
  readonly bytes: Buffer;
  /** Where a streamed body is split, in any order. */
  readonly edges?: readonly number[];
  /** The messages of every WebSocket exchange. */
  readonly messages?: readonly string[];
}

/** A transport without a network: what comes, and in which pieces, is exactly what is given. */
export function createPlaybackTransport({ bytes, edges = [], messages = [] }: Playback): Transport {
  const answer: HttpResponse = { status: 200, headers: { "content-type": "text/event-stream" }, body: bytes };
  return {
    post: async () => ({ ...answer, headers: { "content-type": "application/json" } }),
    stream: async () => ({
      status: answer.status,
      headers: answer.headers,
      body: splitBytes(bytes, edges),
      alive: () => undefined,
      collect: async () => answer,
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
    // A copy: whoever keeps a piece must not see it change.
    const piece = Buffer.from(bytes.subarray(start, end));
    yield piece;
    piece.fill(0);
    start = end;
  }
}

/** A WebSocket hands over whole messages, in groups of any size. */
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
