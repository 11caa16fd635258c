import { estimateProgress, keepSamples, type ProgressEstimate, type ProgressSample } from "./estimate-progress.ts";

/** Rates over the last seconds and time remaining. Holds nothing but samples; time comes in with them. */
export class RateTracker {
  #samples: readonly ProgressSample[] = [];

  add(sample: ProgressSample): void {
    this.#samples = keepSamples(this.#samples, sample);
  }

  rates(missing: number): ProgressEstimate {
    return estimateProgress(this.#samples, missing);
  }
}
