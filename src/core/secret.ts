const REDACTED_TEXT = "[redacted]";

/**
 * A value that must not reach a log, an error, Redis or a file by accident: printing it in any way yields `[redacted]`.
 * Only `reveal()`, which is easy to search for, returns the value.
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

  /** Called by `console.log` and `util.inspect`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED_TEXT;
  }
}
