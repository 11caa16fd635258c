import type { AnsweredSample } from "#src/evaluation/sample.ts";
import type { Scorer } from "#src/evaluation/scorer.ts";
import type { JudgeReport } from "#src/evaluation/scorer-call.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import { computeCallId } from "./call-folders.ts";
import { listScorerCalls } from "./list-missing-calls.ts";
import type { StoredCalls } from "./stored-calls.ts";

/** What the calls of a scorer took, and how they ended. */
export interface ScorerCallResult extends Partial<JudgeReport> {
  readonly scorer: string;
  /** Different calls that its scores need. */
  readonly calls: number;
  /** Of them, those without an answer. */
  readonly unanswered: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Undefined if a price is unknown, or if the models have prices in several currencies. */
  readonly cost: { readonly amount: number; readonly currency: string } | undefined;
}

/** Sums the calls of scorers; a call that several samples need is counted once for each scorer. */
export class ScorerCallCounter {
  readonly #answers: StoredCalls;
  readonly #prices: ModelPrices;
  readonly #scorers: readonly {
    readonly scorer: Scorer;
    readonly ids: Set<string>;
    readonly sums: ReturnType<typeof createSums>;
  }[];

  constructor(scorers: readonly Scorer[], answers: StoredCalls, prices: ModelPrices) {
    this.#answers = answers;
    this.#prices = prices;
    this.#scorers = scorers.flatMap((scorer) =>
      scorer.calls ? [{ scorer, ids: new Set<string>(), sums: createSums() }] : [],
    );
  }

  add(sample: AnsweredSample): void {
    for (const { scorer, ids, sums } of this.#scorers)
      for (const call of listScorerCalls(scorer, sample)) {
        const id = computeCallId(call);
        if (ids.has(id)) continue;
        ids.add(id);
        sums.currencies.add(this.#prices.get(call.model)?.currency);
        const usage = this.#answers.findUsage(call, this.#prices);
        if (usage === undefined) {
          sums.unanswered += 1;
          continue;
        }
        sums.promptTokens += usage.promptTokens ?? 0;
        sums.completionTokens += usage.completionTokens ?? 0;
        // Stays unknown once a cost is unknown.
        sums.amount += usage.cost ?? Number.NaN;
      }
  }

  results(): ScorerCallResult[] {
    return this.#scorers.map(({ scorer, ids, sums }) => {
      const { amount, currencies, ...counts } = sums;
      const [currency] = currencies;
      const isKnown = currencies.size === 1 && currency !== undefined && !Number.isNaN(amount);
      const cost = isKnown ? { amount, currency } : undefined;
      return { scorer: scorer.name, calls: ids.size, ...counts, cost, ...scorer.report?.() };
    });
  }
}

function createSums() {
  const currencies = new Set<string | undefined>();
  return { unanswered: 0, promptTokens: 0, completionTokens: 0, amount: 0, currencies };
}
