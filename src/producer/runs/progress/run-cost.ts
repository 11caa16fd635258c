import type { Clock } from "#src/core/clock.ts";
import { computeCost, computeTotalCost, type TokenPrice } from "#src/core/money.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";

/** What the calls of one model have cost: its records at the price at the time of their calls, and discarded answers. */
export class RunCost {
  readonly #price: TokenPrice | undefined;
  readonly #clock: Clock;
  /** Tokens whose cost the last checkpoint contains. */
  readonly #restoredTokens: number;
  /** Otherwise the process that wrote the checkpoint may have lost records, by a kill or with deleted files. */
  readonly #wasFinished: boolean;
  #amount: number | undefined;
  #tokens = 0;
  #discarded = 0;
  #isRestored = false;

  constructor(
    price: TokenPrice | undefined,
    { cost, tokens, state }: Pick<RunManifest, "cost" | "tokens" | "state">,
    clock: Clock,
  ) {
    const isSameCurrency = price !== undefined && cost?.currency === price.currency;
    this.#price = price;
    this.#clock = clock;
    this.#wasFinished = state === "finished";
    this.#amount = isSameCurrency ? cost.amount : price && 0;
    this.#restoredTokens = isSameCurrency ? tokens : 0;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Undefined if the price of some tokens is unknown. */
  get total(): { readonly amount: number; readonly currency: string } | undefined {
    if (this.#price === undefined || this.#amount === undefined) return undefined;
    return { amount: this.#amount, currency: this.#price.currency };
  }

  add(record: WireRecord): void {
    const usage = recordUsage(record);
    this.#tokens += usage.input + usage.output;
    this.#increase((price) => computeCost(price, usage, record.call?.startedAt ?? this.#clock.now()));
  }

  /**
   * Adds the cost of the stored records that the last checkpoint does not contain, at the current price. If it contains
   * records that are not stored any more (after a kill or a deletion), removes their share: they will be added again. `recordTokens`
   * and `outputTokens` are those of all stored records; `discarded` are input tokens of answers without a record. Only the
   * first call has an effect.
   */
  restore(recordTokens: number, outputTokens: number, discarded = 0): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const tokens = recordTokens + discarded;
    this.#tokens = tokens;
    this.#discarded = discarded;
    const added = Math.max(0, tokens - this.#restoredTokens);
    if (!this.#wasFinished && tokens < this.#restoredTokens && this.#amount !== undefined)
      this.#amount *= tokens / this.#restoredTokens;
    const output = tokens === 0 ? 0 : added * Math.min(1, outputTokens / tokens);
    this.#increase((price) => computeTotalCost(price, { input: added - output, output }, this.#clock.now()));
  }

  /** `tokens` are those of all answers that were discarded so far; those that are new cost the current price. */
  addDiscarded(tokens: number): void {
    const added = tokens - this.#discarded;
    this.#discarded = tokens;
    this.#tokens += added;
    this.#increase((price) => computeTotalCost(price, { input: added, output: 0 }, this.#clock.now()));
  }

  #increase(computeAmount: (price: TokenPrice) => number | undefined): void {
    const amount = this.#price && computeAmount(this.#price);
    this.#amount = this.#amount === undefined || amount === undefined ? undefined : this.#amount + amount;
  }
}
