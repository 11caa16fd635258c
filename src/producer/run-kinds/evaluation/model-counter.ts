import type { ModelResult } from "#src/evaluation/results/results.ts";
import type { Sample } from "#src/evaluation/sample.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import type { SpecModel } from "./spec/evaluation-spec.ts";

/** Counts how the samples of each model ended, and what they took. */
export class ModelCounter {
  readonly #models: readonly SpecModel[];
  readonly #prices: ModelPrices;
  readonly #counts = new Map<string, ReturnType<typeof createCounts>>();

  constructor(models: readonly SpecModel[], prices: ModelPrices) {
    this.#models = models;
    this.#prices = prices;
  }

  add({ model, output }: Sample): void {
    const counts = this.#counts.get(model) ?? createCounts();
    this.#counts.set(model, counts);
    counts.total += 1;
    counts[output.status] += 1;
    if (output.status === "failed") return;
    counts.promptTokens += output.promptTokens ?? 0;
    counts.completionTokens += output.completionTokens ?? 0;
    counts.reasoningTokens += output.reasoningTokens ?? 0;
    // Stays unknown once a cost is unknown.
    counts.amount += output.cost ?? Number.NaN;
    if (output.durationMs !== undefined) counts.durations.push(output.durationMs);
  }

  results(): ModelResult[] {
    return this.#models.map(({ label, model }) => {
      const counts = this.#counts.get(label) ?? createCounts();
      const { total, answered, refused, failed, amount, durations, ...tokens } = counts;
      const sorted = Float64Array.from(durations).sort();
      const currency = this.#prices.get(model)?.currency;
      return {
        ...{ label, model, samples: { total, answered, refused, failed }, ...tokens },
        cost: currency === undefined || Number.isNaN(amount) ? undefined : { amount, currency },
        medianDurationMs: sorted[Math.floor((sorted.length - 1) * 0.5)],
        p95DurationMs: sorted[Math.ceil((sorted.length - 1) * 0.95)],
        totalDurationMs: sorted.reduce((sum, duration) => sum + duration, 0),
      };
    });
  }
}

function createCounts() {
  const tokens = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  const durations: number[] = [];
  return { total: 0, answered: 0, refused: 0, failed: 0, ...tokens, amount: 0, durations };
}
