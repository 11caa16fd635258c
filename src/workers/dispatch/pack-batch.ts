/** What one upstream embedding call may carry. */
export interface BatchLimits {
  readonly maxInputs: number;
  /** Estimated tokens of all inputs together. */
  readonly maxTokens?: number;
  /** UTF-8 bytes of all inputs together. */
  readonly maxBytes?: number;
}

export interface Sized {
  readonly tokens: number;
  readonly bytes: number;
}

export interface PackedBatch {
  /** How many inputs from the front of the line make the next batch; at least 1 when there are any. */
  readonly size: number;
  readonly tokens: number;
  /** No further input would have fitted, however small: waiting cannot make the batch fuller. */
  readonly isFull: boolean;
}

/**
 * Plans the next batch from inputs in line. Takes from the front only: order costs nothing, nobody starves, and a
 * batch is a contiguous piece of the run, whose vectors are then written in one piece. An input that alone is over
 * a limit goes alone; the provider says what it thinks of it.
 */
export function packBatch(queue: Iterable<Sized>, limits: BatchLimits): PackedBatch {
  const { maxInputs, maxTokens = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY } = limits;
  let size = 0;
  let tokens = 0;
  let bytes = 0;
  for (const input of queue) {
    if (size === maxInputs) return { size, tokens, isFull: true };
    if (size > 0 && (tokens + input.tokens > maxTokens || bytes + input.bytes > maxBytes)) {
      return { size, tokens, isFull: true };
    }
    size += 1;
    tokens += input.tokens;
    bytes += input.bytes;
  }
  return { size, tokens, isFull: size === maxInputs || tokens >= maxTokens || bytes >= maxBytes };
}
