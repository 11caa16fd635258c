import type { Ledger } from "../queue/ledger.ts";
import type { JobTicket } from "./job-ticket.ts";

/** One item inside a worker, from its job to its record. */
export interface EmbeddingInput {
  readonly runId: string;
  readonly ledger: Ledger;
  readonly ticket: JobTicket;
  readonly index: number;
  readonly text: string;
  /** Estimated. */
  readonly tokens: number;
  readonly bytes: number;
  readonly arrivedAt: number;
  /** Failed attempts, over all workers and restarts. */
  attempts: number;
  /** Those of them that the budget counts: attempts made while the whole lane was out are not. */
  charged: number;
  /** Throttle answers in a row. */
  snoozes: number;
}

/** Spreads what a provider reports for a whole call over its inputs, by their estimates; the parts add up. */
export function shareTokens(
  inputs: readonly { readonly tokens: number }[],
  total: number | undefined,
): number[] {
  const estimates = inputs.map((input) => input.tokens);
  if (total === undefined) return estimates;
  const sum = estimates.reduce((a, b) => a + b, 0);
  let before = 0;
  let given = 0;
  return estimates.map((estimate, i) => {
    before += estimate;
    const upTo =
      sum === 0 ? Math.round((total * (i + 1)) / inputs.length) : Math.round((total * before) / sum);
    const share = upTo - given;
    given = upTo;
    return share;
  });
}

/** Inputs by run: a batch may carry inputs of several runs, and each has its own ledger. */
export function byRun<T extends { readonly runId: string }>(inputs: readonly T[]): T[][] {
  const runs = new Map<string, T[]>();
  for (const input of inputs) {
    const list = runs.get(input.runId);
    if (list) list.push(input);
    else runs.set(input.runId, [input]);
  }
  return [...runs.values()];
}
