import type { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import type { GroupTest } from "./bad-input-search.ts";
import type { PendingInput } from "./pending-input.ts";

/** Inputs that go into one call together. */
export interface Batch<I> extends GroupTest<I> {
  /** Estimated tokens of all inputs together. */
  readonly tokens: number;
  /** The inputs may be packed into other batches; false for retries and for the parts of a refused one. */
  readonly isRepackable: boolean;
  /** The batch has room for a canary, and `tokens` includes it. */
  readonly hasCanary?: boolean;
}

/** A batch that is called as it is. */
export function createFixedBatch<I extends PendingInput>(inputs: readonly I[], groupRest?: readonly I[]): Batch<I> {
  return { inputs, tokens: inputs.reduce((sum, { tokens }) => sum + tokens, 0), isRepackable: false, groupRest };
}

/** All inputs that the batch is responsible for. */
export function getAllInputs<I>({ inputs, groupRest = [] }: GroupTest<I>): readonly I[] {
  return groupRest.length === 0 ? inputs : [...inputs, ...groupRest];
}

export function isInteractiveBatch<I extends PendingInput>({ inputs }: Batch<I>): boolean {
  return inputs.some((input) => input.isInteractive);
}

/** Leaves out inputs whose job is returning to the queue: they must not start another call. */
export function getCallableInputs<I extends PendingInput>({ inputs }: Batch<I>): I[] {
  return inputs.filter(({ completion }) => !completion.isReturning);
}

export function returnInputs(inputs: readonly PendingInput[], reason: ReturnToQueue): void {
  for (const { completion } of inputs) completion.returnToQueue(reason);
}
