const REDACTED_TEXT = "[redacted]";

/**
 * A value that must not reach a log, an error, Redis or a file by accident: every way of printing it gives
 * `[redacted]`, and only `reveal()`, which is easy to search for, gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED_TEXT;
  }

  toJSON(): string {
    return REDACTED_TEXT;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED_TEXT;
  }

  /** What `console.log` and `util.inspect` print. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED_TEXT;
  }
}
