import type { Item } from "#src/core/item.ts";
import type { ChatPayload, EmbeddingPayload } from "#src/queues/payload.ts";

/** A job as it goes to its queue. */
export interface JobSpec {
  readonly queue: string;
  /** For dashboards; workers look at `data` only. */
  readonly name: string;
  readonly data: EmbeddingPayload | ChatPayload;
}

/** How the items of one kind of run become jobs. */
export interface JobFactory {
  /** Items of the largest job, or of several small ones: less room than this in the window is not worth feeding. */
  readonly maxItems: number;
  /** What the run's items share limits with; one nameless lane when absent. A job carries items of one. */
  readonly lanes?: readonly string[];
  /** The one of `lanes` that an item goes to. */
  laneOf?(item: Item): string;
  /** How many items from the front make the next job, at least one; `last` says that nothing follows them. */
  plan(items: readonly Item[], last: boolean): number;
  /** The job of these items. What is too large for a job stands in Redis when this resolves. */
  createJob(items: readonly Item[]): Promise<JobSpec> | JobSpec;
}
