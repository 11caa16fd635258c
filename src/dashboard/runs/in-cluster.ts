import { failureCause } from "../../core/error-signature.ts";
import type { FailureView } from "../contract.ts";

/** A cluster by its name, and what has to be known of the others. */
export interface WantedCluster {
  /** A cause, or "other:KIND". */
  readonly cluster: string;
  /** Causes that have clusters of their own; "other:KIND" is what has none. */
  readonly causes: ReadonlySet<string>;
}

/** Whether a failure belongs to the cluster. Pure. */
export function isInCluster(failure: FailureView, { cluster, causes }: WantedCluster): boolean {
  const cause = failureCause(failure);
  return cause === cluster || (!causes.has(cause) && cluster === `other:${failure.kind}`);
}
