/** Limits of one upstream embedding call. */
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

/** The limits of a call that has one more input of this size. */
export function leaveRoom({ maxInputs, maxTokens, maxBytes }: BatchLimits, { tokens, bytes }: Sized): BatchLimits {
  return {
    maxInputs: maxInputs - 1,
    maxTokens: maxTokens === undefined ? undefined : maxTokens - tokens,
    maxBytes: maxBytes === undefined ? undefined : maxBytes - bytes,
  };
}

export interface PackedBatch {
  /** How many inputs from the front of the queue form the next batch; at least 1 if the queue is not empty. */
  readonly size: number;
  readonly tokens: number;
  /** True when waiting for more inputs cannot make the batch fuller. */
  readonly isFull: boolean;
}

/**
 * Plans the next batch from the inputs of a queue. It takes inputs from the front only, so that no input starves and a
 * batch is a contiguous part of its run, whose vectors can be written at once. An input that exceeds a limit by itself
 * forms a batch of its own; the provider then accepts or rejects it.
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
