import type { Item } from "#src/core/item.ts";
import type { TokenCount } from "#src/core/money.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { Budget, type BudgetOptions } from "./budget.ts";

/** Limits which items of a run are fed, so that its cost stays at or below the cap. */
export interface RunBudget {
  /** How many of the items, counted from the first, may be fed now. */
  countAffordable(items: readonly Item[]): number;
  /** Registers items as in flight. */
  recordSent(items: readonly Item[]): void;
  /** Registers records that have been stored, and whose cost `readSpent` includes. */
  recordResults(records: readonly WireRecord[]): void;
  /** The error that stops the run when the budget allows no further item. */
  createStopError(): RunStoppedError;
}

export interface RunBudgetOptions extends BudgetOptions {
  /** The tokens that an item may be charged; by default its own tokens, as input. */
  readonly estimate?: (item: Item) => TokenCount;
}

export function createRunBudget({ estimate = estimateInputOnly, ...options }: RunBudgetOptions): RunBudget {
  const { cap, price } = options;
  const budget = new Budget(options);
  const candidates = (items: readonly Item[]) => items.map((item) => ({ index: item.index, tokens: estimate(item) }));
  return {
    countAffordable: (items) => budget.countAffordable(candidates(items)),
    recordSent: (items) => budget.recordSent(candidates(items)),
    recordResults: (records) => budget.recordResults(records),
    createStopError: () =>
      new RunStoppedError(
        "budget",
        `the next item could cost more than the rest of ${formatAmount(cap)} ${price.currency} ` +
          `(${formatAmount(budget.spent)} ${price.currency} spent)`,
        "Nothing is lost. To resume, run the same command with a higher --max-cost or without one.",
      ),
  };
}

function estimateInputOnly({ tokens }: Item): TokenCount {
  return { input: tokens, output: 0 };
}

function formatAmount(amount: number): string {
  return amount.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}
