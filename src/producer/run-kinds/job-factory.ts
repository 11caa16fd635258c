import type { Item } from "#src/core/item.ts";
import type { JobPayload } from "#src/queues/payload.ts";

/** A BullMQ job before it is added to its queue. */
export interface JobSpec {
  readonly queue: string;
  /** Shown on dashboards; workers use only `data`. */
  readonly name: string;
  readonly data: JobPayload;
}

/** Turns the items of a run into jobs. */
export interface JobFactory {
  /** Items of the largest job, or of several small ones. The window is not topped up with fewer. */
  readonly maxItems: number;
  /** Names of the lanes among which the run's window is divided; one unnamed lane if absent. A job has items of one lane. */
  readonly lanes?: readonly string[];
  /** The one of `lanes` that an item belongs to. */
  laneOf?(item: Item): string;
  /** How many items from the front form the next job, at least one. `isLast` says that no items follow. */
  countNextItems(items: readonly Item[], isLast: boolean): number;
  /** Creates the job of these items. Requests that are too large for a job are in Redis when this resolves. */
  createJob(items: readonly Item[]): Promise<JobSpec> | JobSpec;
}
