import { computeFailureCause } from "#src/core/failure-cause.ts";
import type { FailureView } from "./item-api.ts";

/** A cluster by its name, and what has to be known of the others. */
export interface CauseFilter {
  /** A cause, or "other:KIND". */
  readonly cause: string;
  /** Causes that have clusters of their own; "other:KIND" is what has none. */
  readonly causes: ReadonlySet<string>;
}

/** Whether a failure belongs to the cluster. Pure. */
export function matchesCause(failure: FailureView, { cause, causes }: CauseFilter): boolean {
  const itemCause = computeFailureCause(failure);
  return itemCause === cause || (!causes.has(itemCause) && cause === `other:${failure.kind}`);
}
