import { computeFailureCause } from "#src/core/failures/failure-cause.ts";
import type { FailureView } from "#src/dashboard/items/item-api.ts";

/** Selects the failures of one cause. */
export interface CauseFilter {
  /** The cause, or "other:KIND". */
  readonly cause: string;
  /** All causes that are counted separately; "other:KIND" selects failures with none of them. */
  readonly causes: ReadonlySet<string>;
}

/** Whether a failure has the selected cause. Pure. */
export function matchesCause(failure: FailureView, { cause, causes }: CauseFilter): boolean {
  const itemCause = computeFailureCause(failure);
  return itemCause === cause || (!causes.has(itemCause) && cause === `other:${failure.kind}`);
}
