/** From this size on, reading a response takes long enough to delay other work noticeably. */
const LARGE_BYTES = 16 * 1024;
/** The results of these reads (records, reservations) are sent to Redis together; sending them singly costs far more. */
const READS_PER_TURN = 8;

/**
 * Limits how many large responses that arrive at the same moment are read in one turn of the event loop, so that requests
 * and Redis replies are handled in between. Otherwise the responses of a burst would delay the next calls.
 */
export class LargeReadQueue {
  readonly #reads: (() => void)[] = [];

  /** Runs `read` now, or in a later turn when the response has many bytes. */
  schedule(bytes: number, read: () => void): void {
    if (bytes < LARGE_BYTES) read();
    else if (this.#reads.push(read) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    for (const read of this.#reads.splice(0, READS_PER_TURN)) read();
    if (this.#reads.length > 0) setImmediate(this.#run);
  };
}
