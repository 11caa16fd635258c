import type { Item } from "#src/core/item.ts";
import type { TokenCount, TokenPrice } from "#src/core/money.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { Budget } from "./budget.ts";

/** What feeding needs to keep a run's cost at or below its cap. */
export interface RunBudget {
  /** How many of the items, from the first on, may be fed now. */
  countAffordable(items: readonly Item[]): number;
  /** Items are on their way. */
  recordSent(items: readonly Item[]): void;
  /** Records have come. */
  recordResults(records: readonly WireRecord[]): void;
  /** Why the run stops when nothing more is affordable, and how it goes on. */
  createStopError(): RunStoppedError;
}

export interface RunBudgetOptions {
  readonly cap: number;
  readonly price: TokenPrice;
  /** What the run's records have cost before. */
  readonly spent: number;
  /** The tokens an item may be charged; by default its own as input. */
  readonly estimate?: (item: Item) => TokenCount;
}

export function createRunBudget({ cap, price, spent, estimate = estimateInputOnly }: RunBudgetOptions): RunBudget {
  const budget = new Budget({ cap, price, spent });
  const candidates = (items: readonly Item[]) => items.map((item) => ({ index: item.index, tokens: estimate(item) }));
  return {
    countAffordable: (items) => budget.countAffordable(candidates(items)),
    recordSent: (items) => budget.recordSent(candidates(items)),
    recordResults: (records) => budget.recordResults(records),
    createStopError: () =>
      new RunStoppedError(
        "budget",
        `the next item could cost more than what is left of ${formatAmount(cap)} ${price.currency} ` +
          `(${formatAmount(budget.spent)} ${price.currency} spent)`,
        "nothing is lost: the same command with a higher --max-cost, or without one, goes on where this one stopped",
      ),
  };
}

function estimateInputOnly({ tokens }: Item): TokenCount {
  return { input: tokens, output: 0 };
}

function formatAmount(amount: number): string {
  return amount.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}
