import type { ModelResult } from "#src/evaluation/results/results.ts";
import type { Sample } from "#src/evaluation/sample.ts";
import type { SpecModel } from "./spec/evaluation-spec.ts";

interface Counts {
  total: number;
  answered: number;
  refused: number;
  failed: number;
  promptTokens: number;
  completionTokens: number;
  readonly durations: number[];
}

/** Counts how the samples of each model ended. */
export class ModelCounter {
  readonly #models: readonly SpecModel[];
  readonly #counts = new Map<string, Counts>();

  constructor(models: readonly SpecModel[]) {
    this.#models = models;
  }

  add({ model, output }: Sample): void {
    const counts = this.#counts.get(model) ?? createCounts();
    this.#counts.set(model, counts);
    counts.total += 1;
    counts[output.status] += 1;
    if (output.status !== "answered") return;
    counts.promptTokens += output.promptTokens ?? 0;
    counts.completionTokens += output.completionTokens ?? 0;
    if (output.durationMs !== undefined) counts.durations.push(output.durationMs);
  }

  results(): ModelResult[] {
    return this.#models.map(({ label, model }) => {
      const counts = this.#counts.get(label) ?? createCounts();
      const { total, answered, refused, failed, promptTokens, completionTokens, durations } = counts;
      return {
        label,
        model,
        samples: { total, answered, refused, failed },
        promptTokens,
        completionTokens,
        medianDurationMs: Float64Array.from(durations).sort()[Math.floor((durations.length - 1) / 2)],
      };
    });
  }
}

function createCounts(): Counts {
  return { total: 0, answered: 0, refused: 0, failed: 0, promptTokens: 0, completionTokens: 0, durations: [] };
}
