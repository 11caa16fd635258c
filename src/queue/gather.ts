/**
 * Collects what is asked for in one turn of the event loop, and asks for all of it at once: hundreds of jobs move side
 * by side in a worker, and one script over all of them costs Redis and this process a fraction of one for each.
 * `work` gets at most `most` at a time and answers in their order; when it fails, all of them do.
 */
export function gather<T, R>(
  work: (asked: readonly T[]) => Promise<readonly R[]>,
  most = 200,
): (one: T) => Promise<R> {
  let waiting: {
    readonly one: T;
    readonly resolve: (reply: R) => void;
    readonly reject: (e: unknown) => void;
  }[] = [];
  const send = async (asked: typeof waiting) => {
    try {
      const replies = await work(asked.map(({ one }) => one));
      asked.forEach(({ resolve }, i) => {
        resolve(replies[i] as R);
      });
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  };
  const flush = () => {
    const asked = waiting;
    waiting = [];
    for (let at = 0; at < asked.length; at += most) void send(asked.slice(at, at + most));
  };
  return (one) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ one, resolve, reject });
    });
}
