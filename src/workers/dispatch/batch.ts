import type { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import type { PendingInput } from "./pending-input.ts";

/** Inputs that go into one call together. */
export interface Batch<I> {
  readonly inputs: readonly I[];
  /** Estimated tokens of all inputs together. */
  readonly tokens: number;
  /** The inputs may be packed into other batches; false for retries and for the halves of a bisected batch. */
  readonly isRepackable: boolean;
  /** The batch has room for a canary, and `tokens` includes it. */
  readonly hasCanary?: boolean;
}

/** A batch that is called as it is. */
export function createFixedBatch<I extends PendingInput>(inputs: readonly I[]): Batch<I> {
  return { inputs, tokens: inputs.reduce((sum, { tokens }) => sum + tokens, 0), isRepackable: false };
}

export function bisectBatch<I extends PendingInput>({ inputs }: Batch<I>): Batch<I>[] {
  const middle = Math.ceil(inputs.length / 2);
  return [createFixedBatch(inputs.slice(0, middle)), createFixedBatch(inputs.slice(middle))];
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
