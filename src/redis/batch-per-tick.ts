/**
 * Collects what is asked for in one turn of the event loop, and asks for all of it at once: hundreds of jobs move side
 * by side in a worker, and one script over all of them costs Redis and this process a fraction of one for each.
 * `work` gets at most `most` at a time and answers in their order; when it fails, all of them do.
 */
export function batchPerTick<T, R>(
  work: (requests: readonly T[]) => Promise<readonly R[]>,
  maxBatch = 200,
): (one: T) => Promise<R> {
  let waiting: {
    readonly one: T;
    readonly resolve: (reply: R) => void;
    readonly reject: (e: unknown) => void;
  }[] = [];
  const send = async (requests: typeof waiting) => {
    try {
      const replies = await work(requests.map(({ one }) => one));
      requests.forEach(({ resolve }, i) => {
        resolve(replies[i] as R);
      });
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
  };
  const flush = () => {
    const requests = waiting;
    waiting = [];
    for (let at = 0; at < requests.length; at += maxBatch) void send(requests.slice(at, at + maxBatch));
  };
  return (one) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ one, resolve, reject });
    });
}
