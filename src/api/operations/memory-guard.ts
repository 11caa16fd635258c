import { getHeapStatistics } from "node:v8";

const SAMPLE_INTERVAL_MS = 500;
/** Share of the heap's limit from which new requests are refused: what is in progress needs the rest. */
const DEFAULT_SHARE = 0.8;

/** Memory of JavaScript objects and buffers. Not that of the process, which hardly shrinks after a peak. */
export function readUsedMemory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The threshold where none is configured. */
export function defaultMaxMemory(): number {
  return Math.floor(getHeapStatistics().heap_size_limit * DEFAULT_SHARE);
}

/** Notices when so much memory is in use that new requests would endanger those in progress. */
export class MemoryGuard {
  readonly #maxBytes: number;
  readonly #read: () => number;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(maxBytes: number, read: () => number = readUsedMemory) {
    this.#maxBytes = maxBytes;
    this.#read = read;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS).unref();
  }

  /** As of the last sample, because reading it for every request would take too long. */
  get isOver(): boolean {
    return this.#isOver;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#isOver = this.#read() > this.#maxBytes;
  }
}
