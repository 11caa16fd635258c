import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "#src/core/clock.ts";
import { parseLane } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { ModelCost, RunManifest } from "#src/producer/runs/run-manifest.ts";
import { sumTokensByLane } from "#src/producer/storage/tokens-by-lane.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { RunCost } from "./run-cost.ts";

/** The prices of the models of a run, by "provider/model"; undefined for a model whose price is unknown. */
export type ModelPrices = ReadonlyMap<string, TokenPrice | undefined>;

type CostManifest = Pick<RunManifest, "cost" | "costs" | "tokens" | "state">;

/** What the calls of a run have cost, for each of its models. */
export class RunCosts {
  readonly #models: ReadonlyMap<string, RunCost>;
  #isRestored = false;

  constructor(prices: ModelPrices, manifest: CostManifest, clock: Clock) {
    const { state, costs = [] } = manifest;
    this.#models = new Map(
      [...prices].map(([model, price]) => {
        const { tokens = 0, cost } = costs.find((each) => each.model === model) ?? {};
        return [model, new RunCost(price, prices.size === 1 ? manifest : { tokens, cost, state }, clock)];
      }),
    );
  }

  /** Undefined if the price of some tokens is unknown, or if the prices are in several currencies. */
  get total(): { readonly spent: number; readonly currency: string } | undefined {
    const totals = [...this.#models.values()].map(({ total }) => total);
    const [first] = totals;
    if (first === undefined) return undefined;
    let spent = 0;
    for (const total of totals) {
      if (total?.currency !== first.currency) return undefined;
      spent += total.amount;
    }
    return { spent, currency: first.currency };
  }

  /** What each model has cost, in the order of `prices`; undefined for a run of one model. */
  get perModel(): ModelCost[] | undefined {
    if (this.#models.size < 2) return undefined;
    return [...this.#models].map(([model, { tokens, total: cost }]) => ({ model, tokens, cost }));
  }

  add(records: readonly WireRecord[]): void {
    for (const record of records) this.#find(record.call?.lane)?.add(record);
  }

  /** `tokens` are those of all discarded answers of the run. Only embedding runs have such answers, and they have one model. */
  addDiscarded(tokens: number): void {
    const [only, ...others] = this.#models.values();
    if (others.length === 0) only?.addDiscarded(tokens);
  }

  /**
   * See `RunCost.restore`. The parameters are the sums over all stored records, the database that contains them, and the tokens
   * of discarded answers. Only the first call has an effect.
   */
  restore(tokens: number, outputTokens: number, database: DatabaseSync, discarded = 0): void {
    if (this.#isRestored) return;
    this.#isRestored = true;
    const [only, ...others] = this.#models.values();
    if (others.length === 0) {
      only?.restore(tokens, outputTokens, discarded);
      return;
    }
    const sums = new Map<string, { tokens: number; outputTokens: number }>();
    for (const { lane, ...added } of sumTokensByLane(database)) {
      const model = toModelName(lane);
      const sum = sums.get(model) ?? { tokens: 0, outputTokens: 0 };
      sums.set(model, { tokens: sum.tokens + added.tokens, outputTokens: sum.outputTokens + added.outputTokens });
    }
    for (const [model, cost] of this.#models) {
      const sum = sums.get(model) ?? { tokens: 0, outputTokens: 0 };
      cost.restore(sum.tokens, sum.outputTokens);
    }
  }

  #find(lane: string | undefined): RunCost | undefined {
    const [only, ...others] = this.#models.values();
    return others.length === 0 ? only : this.#models.get(toModelName(lane));
  }
}

function toModelName(lane: string | undefined): string {
  const { provider, model } = (lane === undefined ? undefined : parseLane(lane)) ?? {};
  return `${provider}/${model}`;
}
