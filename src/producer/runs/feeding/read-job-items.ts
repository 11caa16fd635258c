import type { Item } from "#src/core/item.ts";
import type { OutstandingJob } from "#src/state/runs/run-control.ts";

/** Jobs that are at most this many items apart are read in one pass; opening the items file again costs about as much. */
const MAX_GAP_ITEMS = 1_000;

export interface JobItems<J extends OutstandingJob> {
  readonly job: J;
  readonly lane: string;
  readonly items: readonly Item[];
}

export interface JobItemsSource {
  readonly readItems: (from: number) => AsyncIterable<readonly Item[]>;
  readonly laneOf: (item: Item) => string;
  readonly needsJob: (item: Item) => boolean;
}

/**
 * Reads the items of jobs that still need a record. Jobs are ranges of indices, and items of other lanes, which have jobs
 * of their own, may be in between. Reads each part of the items file once, however many jobs there are.
 */
export async function* readJobItems<J extends OutstandingJob>(
  jobs: readonly J[],
  source: JobItemsSource,
): AsyncGenerator<JobItems<J>> {
  for (const group of groupNeighbors(jobs)) yield* readGroup(group, source);
}

function groupNeighbors<J extends OutstandingJob>(jobs: readonly J[]): J[][] {
  const groups: J[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const job of [...jobs].sort((a, b) => a.first - b.first)) {
    if (job.first - end > MAX_GAP_ITEMS) groups.push([]);
    groups.at(-1)?.push(job);
    end = Math.max(end, job.last);
  }
  return groups;
}

async function* readGroup<J extends OutstandingJob>(
  jobs: readonly J[],
  { readItems, laneOf, needsJob }: JobItemsSource,
): AsyncGenerator<JobItems<J>> {
  let next = 0;
  let active: { readonly job: J; readonly lane: string; readonly items: Item[] }[] = [];
  for await (const block of readItems(jobs[0]?.first ?? 0)) {
    for (const item of block) {
      const lane = laneOf(item);
      for (let job = jobs[next]; job && job.first <= item.index; job = jobs[++next]) {
        active.push({ job, lane, items: [] });
      }
      const isNeeded = needsJob(item);
      for (const entry of active) {
        if (isNeeded && entry.lane === lane && item.index <= entry.job.last) entry.items.push(item);
      }
      const ended = active.filter(({ job }) => job.last <= item.index);
      if (ended.length === 0) continue;
      active = active.filter(({ job }) => job.last > item.index);
      yield* ended;
    }
    if (next === jobs.length && active.length === 0) return;
  }
  yield* active;
  for (const job of jobs.slice(next)) yield { job, lane: "", items: [] };
}
