import { type ChatItem, type ChatPayload, type EmbeddingPayload, MAX_JOB_BYTES } from "#src/queues/payload.ts";

/** More than in a job of a run: no window has to be shared among workers. */
export const MAX_SHARED_ITEMS = 16;

/** A job as it goes to its queue. */
export interface SubmittedJob {
  readonly id: string;
  readonly payload: ChatPayload | EmbeddingPayload;
}

/** What was submitted: a job of its own, or one of which others may take part. */
export interface ShareableSubmission extends SubmittedJob {
  /** Bytes of its request, when others may share its job. */
  readonly bytes?: number;
}

/**
 * Chat items for one model that were submitted at the same moment go in one job, some at a time: the queue then costs
 * an item a fraction of what a job each would. A shared job has the id of its first item.
 */
export function groupSubmissions(submissions: readonly ShareableSubmission[]): SubmittedJob[] {
  const jobs: SubmittedJob[] = [];
  const open = new Map<string, { readonly items: ChatItem[]; bytes: number }>();
  for (const { id, payload, bytes } of submissions) {
    if (payload.kind !== "chat" || bytes === undefined) {
      jobs.push({ id, payload });
      continue;
    }
    const model = `${payload.provider}/${payload.model}`;
    const shared = open.get(model);
    if (shared && shared.items.length < MAX_SHARED_ITEMS && shared.bytes + bytes <= MAX_JOB_BYTES) {
      shared.items.push(...payload.items);
      shared.bytes += bytes;
    } else {
      const items = [...payload.items];
      open.set(model, { items, bytes });
      jobs.push({ id, payload: { ...payload, items } });
    }
  }
  return jobs;
}
