/**
 * Returns a function that collects the requests of one turn of the event loop and handles them together: a worker
 * processes hundreds of jobs concurrently, and one script call for all of them costs Redis and this process a fraction
 * of separate calls. `handle` gets at most `maxBatch` requests and returns one reply per request, in order. If it
 * rejects, all requests of the batch reject.
 */
export function batchPerTick<T, R>(
  handle: (requests: readonly T[]) => Promise<readonly R[]>,
  maxBatch = 200,
): (request: T) => Promise<R> {
  let waiting: {
    readonly request: T;
    readonly resolve: (reply: R) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  const handleBatch = async (batch: typeof waiting) => {
    try {
      const replies = await handle(batch.map(({ request }) => request));
      for (const [i, { resolve }] of batch.entries()) resolve(replies[i] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  const flush = () => {
    const requests = waiting;
    waiting = [];
    for (let at = 0; at < requests.length; at += maxBatch) void handleBatch(requests.slice(at, at + maxBatch));
  };
  return (request) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ request, resolve, reject });
    });
}
