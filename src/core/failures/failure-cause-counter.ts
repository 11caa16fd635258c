import { omitUndefined } from "#src/core/omit-undefined.ts";
import { computeFailureCause, type FailureText, toMessagePattern } from "./failure-cause.ts";

export interface FailureCause {
  /** See `computeFailureCause`; "other:KIND" for failures beyond the causes that are counted separately. */
  readonly cause: string;
  readonly kind: string;
  /** The provider's error code; undefined for "other", whose failures have different codes. */
  readonly code?: string;
  /** The message pattern; empty for "other". */
  readonly pattern: string;
  readonly count: number;
  readonly example: { readonly item: number; readonly message: string; readonly providerMessage?: string };
}

/** Causes that are counted separately; further ones are counted together by kind. */
export const MAX_CAUSES = 200;
const EXAMPLE_LIMIT = 300;
/** Messages whose cause is cached: most failures of a run have the same message. */
const MAX_CACHED_MESSAGES = 500;

/** Counts failures by cause in bounded memory, however many distinct messages there are. */
export class FailureCauseCounter {
  readonly #causes = new Map<string, FailureCause>();
  readonly #causeByMessage = new Map<string, string>();
  #changed = new Set<string>();

  /** Adds a failure that `times` items share; `item` is the index of one of them. */
  add(item: number, failure: FailureText, times = 1): void {
    const cause = this.#causeOf(failure);
    const existing = this.#causes.get(cause);
    this.#causes.set(
      cause,
      existing ? { ...existing, count: existing.count + times } : createFailureCause(cause, item, failure, times),
    );
    this.#changed.add(cause);
  }

  /** All causes, the most frequent first. */
  list(): FailureCause[] {
    return [...this.#causes.values()].sort(compareByCount);
  }

  /** Returns the causes whose count has changed since the previous call. */
  drainChanged(): FailureCause[] {
    const changed = [...this.#changed].flatMap((cause) => this.#causes.get(cause) ?? []);
    this.#changed = new Set();
    return changed;
  }

  #causeOf(failure: FailureText): string {
    const { kind, code = "", message } = failure;
    const key = `${kind}\n${code}\n${message}`;
    let cause = this.#causeByMessage.get(key);
    if (cause === undefined) {
      cause = computeFailureCause(failure);
      if (this.#causeByMessage.size >= MAX_CACHED_MESSAGES) this.#causeByMessage.clear();
      this.#causeByMessage.set(key, cause);
    }
    return this.#causes.has(cause) || this.#causes.size < MAX_CAUSES ? cause : `other:${kind}`;
  }
}

function createFailureCause(cause: string, item: number, failure: FailureText, count: number): FailureCause {
  const { kind, code, message } = failure;
  const isOther = isOtherCause(cause);
  return omitUndefined({
    cause,
    kind,
    code: isOther ? undefined : code,
    pattern: isOther ? "" : toMessagePattern(message).slice(0, EXAMPLE_LIMIT),
    count,
    example: omitUndefined({
      item,
      message: message.slice(0, EXAMPLE_LIMIT),
      providerMessage: failure.providerMessage,
    }),
  });
}

export function isOtherCause(cause: string): boolean {
  return cause.startsWith("other:");
}

/** The kind of "other:KIND"; undefined for any other text. */
export function parseOtherCause(cause: string): string | undefined {
  return isOtherCause(cause) ? cause.slice("other:".length) : undefined;
}

/** Sorts causes by count, the most frequent first; equal counts are sorted by cause. */
export function compareByCount(a: FailureCause, b: FailureCause): number {
  return b.count - a.count || (a.cause < b.cause ? -1 : 1);
}
