import { type FailureText, failureCause, messagePattern } from "./error-signature.ts";

/** Failures of one cause. */
export interface FailureCluster {
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
export const MAX_CLUSTERS = 200;
const EXAMPLE_LIMIT = 300;
/** Messages whose cause is remembered: most failures of a run say the very same. */
const REMEMBERED = 500;

/** Counts failures by their cause, in memory that does not grow with the number of distinct messages. */
export class FailureClusters {
  readonly #clusters = new Map<string, FailureCluster>();
  readonly #causes = new Map<string, string>();
  #changed = new Set<string>();

  /** `times`: items that share this failure, of which `item` is one. */
  add(item: number, failure: FailureText, times = 1): void {
    const cause = this.#causeOf(failure);
    const known = this.#clusters.get(cause);
    const { kind, code, message } = failure;
    this.#clusters.set(
      cause,
      known
        ? { ...known, count: known.count + times }
        : {
            cause,
            kind,
            ...(code === undefined || isOther(cause) ? {} : { code }),
            pattern: isOther(cause) ? "" : messagePattern(message).slice(0, EXAMPLE_LIMIT),
            count: times,
            example: { item, message: message.slice(0, EXAMPLE_LIMIT) },
          },
    );
    this.#changed.add(cause);
  }

  /** The largest first. */
  list(): FailureCluster[] {
    return [...this.#clusters.values()].sort(byCount);
  }

  /** The clusters that were added to since the last time. */
  takeChanged(): FailureCluster[] {
    const changed = [...this.#changed].flatMap((cause) => this.#clusters.get(cause) ?? []);
    this.#changed = new Set();
    return changed;
  }

  #causeOf(failure: FailureText): string {
    const { kind, code = "", message } = failure;
    const said = `${kind}\n${code}\n${message}`;
    let cause = this.#causes.get(said);
    if (cause === undefined) {
      cause = failureCause(failure);
      if (this.#causes.size >= REMEMBERED) this.#causes.clear();
      this.#causes.set(said, cause);
    }
    return this.#clusters.has(cause) || this.#clusters.size < MAX_CLUSTERS ? cause : `other:${kind}`;
  }
}

export function isOther(cause: string): boolean {
  return cause.startsWith("other:");
}

/** The kind that "other:KIND" counts the rest of; undefined for any other text. */
export function otherKind(cause: string): string | undefined {
  return isOther(cause) ? cause.slice("other:".length) : undefined;
}

/** The order clusters are shown in: the largest first, and of equals always the same. */
export function byCount(a: FailureCluster, b: FailureCluster): number {
  return b.count - a.count || (a.cause < b.cause ? -1 : 1);
}
