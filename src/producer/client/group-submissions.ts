import { type ChatItem, type JobPayload, MAX_JOB_BYTES } from "#src/queues/payload.ts";

/** More than in a job of a run, because there is no window to share among workers. */
export const MAX_SHARED_ITEMS = 16;

/** A job for its queue. */
export interface SubmittedJob {
  readonly id: string;
  readonly payload: JobPayload;
}

/** A submitted item, which may share its job with others. */
export interface ShareableSubmission extends SubmittedJob {
  /** Bytes of its request; undefined when it needs its own job. */
  readonly bytes?: number;
}

/**
 * Groups chat items of one tenant for one model that were submitted in the same tick into shared jobs, which cost the queue a
 * fraction of one job per item. A shared job has the id of its first item.
 */
export function groupSubmissions(submissions: readonly ShareableSubmission[]): SubmittedJob[] {
  const jobs: SubmittedJob[] = [];
  const open = new Map<string, { readonly items: ChatItem[]; bytes: number }>();
  for (const { id, payload, bytes } of submissions) {
    if (payload.kind !== "chat" || bytes === undefined) {
      jobs.push({ id, payload });
      continue;
    }
    const owner = JSON.stringify([payload.provider, payload.model, payload.tenant]);
    const shared = open.get(owner);
    if (shared && shared.items.length < MAX_SHARED_ITEMS && shared.bytes + bytes <= MAX_JOB_BYTES) {
      shared.items.push(...payload.items);
      shared.bytes += bytes;
    } else {
      const items = [...payload.items];
      open.set(owner, { items, bytes });
      jobs.push({ id, payload: { ...payload, items } });
    }
  }
  return jobs;
}
