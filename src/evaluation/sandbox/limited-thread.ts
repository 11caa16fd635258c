import { addAbortListener, once } from "node:events";
import { Worker } from "node:worker_threads";

export interface ThreadLimits {
  /** From the start of one request to its response, in ms. */
  readonly timeMs: number;
  /** JavaScript heap of the thread. */
  readonly memoryMb: number;
}

export type LimitedResult<T> =
  | { readonly status: "ended"; readonly value: T }
  /** The request failed; the next one gets a new thread. */
  | { readonly status: "failed"; readonly reason: string };

/**
 * Runs requests one after the other in a thread that sends one message when it is ready, and one for each message. A request that exceeds the limits or
 * ends the thread fails alone: its thread is replaced. The thread starts with the first request and does not keep the process running.
 */
export class LimitedThread<Request, Response> {
  readonly #script: URL;
  readonly #limits: ThreadLimits;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(script: URL, limits: ThreadLimits) {
    this.#script = script;
    this.#limits = limits;
  }

  /** Rejects only with the reason of the signal. */
  run(request: Request, signal?: AbortSignal): Promise<LimitedResult<Response>> {
    const result = this.#last.then(() => this.#run(request, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Ends the thread; requests that wait get a new one. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.ref();
    await worker?.terminate();
  }

  async #run(request: Request, signal: AbortSignal | undefined): Promise<LimitedResult<Response>> {
    signal?.throwIfAborted();
    const cancel = new AbortController();
    using _ = signal && addAbortListener(signal, () => cancel.abort());
    let timer: NodeJS.Timeout | undefined;
    try {
      const worker = this.#worker ?? (await this.#start(cancel.signal));
      worker.ref();
      const response = once(worker, "message", { signal: cancel.signal });
      const ended = once(worker, "exit", { signal: cancel.signal }).catch(() => []);
      worker.postMessage(request);
      timer = setTimeout(() => cancel.abort(), this.#limits.timeMs);
      const [value] = await Promise.race([
        response,
        ended.then(() => Promise.reject(new Error("the code ended its thread"))),
      ]);
      worker.unref();
      return { status: "ended", value };
    } catch (error) {
      await this.close();
      signal?.throwIfAborted();
      return { status: "failed", reason: this.#describe(error, cancel.signal.aborted) };
    } finally {
      clearTimeout(timer);
      cancel.abort();
    }
  }

  /** Resolves once the thread listens and has sent its first message, so that its start does not count. */
  async #start(signal: AbortSignal): Promise<Worker> {
    const worker = new Worker(this.#script, { resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb } });
    this.#worker = worker;
    // Code that still runs after its response may fail at any time.
    worker.on("error", () => undefined);
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    await once(worker, "message", { signal });
    return worker;
  }

  #describe(error: unknown, isTimeout: boolean): string {
    if (isTimeout) return `it took longer than ${this.#limits.timeMs / 1000} s`;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_WORKER_OUT_OF_MEMORY") return `it needed more than ${this.#limits.memoryMb} MB of memory`;
    return error instanceof Error ? error.message : String(error);
  }
}
