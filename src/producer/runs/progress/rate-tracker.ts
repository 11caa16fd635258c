import { estimateProgress, keepSamples, type ProgressEstimate, type ProgressSample } from "./estimate-progress.ts";

/** Keeps progress samples and computes rates and the remaining time from them. */
export class RateTracker {
  #samples: readonly ProgressSample[] = [];

  add(sample: ProgressSample): void {
    this.#samples = keepSamples(this.#samples, sample);
  }

  rates(missing: number): ProgressEstimate {
    return estimateProgress(this.#samples, missing);
  }
}
