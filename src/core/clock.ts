/** Time as a dependency: the system's in production, controlled by the test in tests. */
export interface Clock {
  /** Epoch milliseconds. May jump in both directions, when somebody or NTP sets the clock: for timestamps only. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never jumps. For durations, intervals, and deadlines of this process. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    }),
};
