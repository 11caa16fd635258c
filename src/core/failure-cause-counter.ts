import { computeFailureCause, type FailureText, toMessagePattern } from "./failure-cause.ts";

/** Failures of one cause. */
export interface FailureCause {
  /** See `failureCause`; "other:KIND" for what came when there were too many causes to tell apart. */
  readonly cause: string;
  readonly kind: string;
  /** The provider's; absent for "other", whose failures have many. */
  readonly code?: string;
  /** The message with placeholders; empty for "other". */
  readonly pattern: string;
  readonly count: number;
  readonly example: { readonly item: number; readonly message: string };
}

/** Causes that are told apart; further ones are counted together, kind by kind. */
export const MAX_CAUSES = 200;
const EXAMPLE_LIMIT = 300;
/** Messages whose cause is remembered: most failures of a run say the very same. */
const MAX_CACHED_MESSAGES = 500;

/** Counts failures by their cause, in memory that does not grow with the number of distinct messages. */
export class FailureCauseCounter {
  readonly #causes = new Map<string, FailureCause>();
  readonly #causeByMessage = new Map<string, string>();
  #changed = new Set<string>();

  /** `times`: items that share this failure, of which `item` is one. */
  add(item: number, failure: FailureText, times = 1): void {
    const cause = this.#causeOf(failure);
    const known = this.#causes.get(cause);
    const { kind, code, message } = failure;
    this.#causes.set(
      cause,
      known
        ? { ...known, count: known.count + times }
        : {
            cause,
            kind,
            ...(code === undefined || isOtherCause(cause) ? {} : { code }),
            pattern: isOtherCause(cause) ? "" : toMessagePattern(message).slice(0, EXAMPLE_LIMIT),
            count: times,
            example: { item, message: message.slice(0, EXAMPLE_LIMIT) },
          },
    );
    this.#changed.add(cause);
  }

  /** The largest first. */
  list(): FailureCause[] {
    return [...this.#causes.values()].sort(compareByCount);
  }

  /** The clusters that were added to since the last time. */
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

export function isOtherCause(cause: string): boolean {
  return cause.startsWith("other:");
}

/** The kind that "other:KIND" counts the rest of; undefined for any other text. */
export function parseOtherCause(cause: string): string | undefined {
  return isOtherCause(cause) ? cause.slice("other:".length) : undefined;
}

/** The order clusters are shown in: the largest first, and of equals always the same. */
export function compareByCount(a: FailureCause, b: FailureCause): number {
  return b.count - a.count || (a.cause < b.cause ? -1 : 1);
}
