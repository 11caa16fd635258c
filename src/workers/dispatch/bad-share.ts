/** Shares of bad inputs that are compared: from 0.001 % to 66 %, each 1.4 times the one before. */
const SHARES = Array.from({ length: 34 }, (_, i) => 1e-5 * 1.4 ** i);
/**
 * Log weights before the first call: small shares are more likely. They are so small that calls with up to 2,048 inputs
 * are full until one is refused.
 */
const PRIOR = SHARES.map((_, i) => -0.15 * i);
/** Calls after which the weight of an outcome has dropped to 1/e, so that the estimate follows the data. */
const MEMORY_CALLS = 256;

/**
 * Estimates the share of bad inputs from accepted and refused calls: keeps the likelihood of every share in `SHARES` under
 * the assumption that bad inputs are independent of each other. Bounded: 34 numbers.
 */
export class BadShare {
  #weights: readonly number[] = PRIOR;

  /**
   * Records the outcome of a call of `size` inputs. `groupSize`: the call is a part of a group of this size that contains a
   * bad input.
   */
  record(isRefused: boolean, size: number, groupSize = Number.POSITIVE_INFINITY): void {
    // Refusal of the whole group was certain, so it says nothing about the share.
    if (size === groupSize) return;
    this.#weights = this.#weights.map((weight, i) => {
      const share = SHARES[i] ?? 0;
      const isGood = (1 - share) ** size;
      const isGroupGood = (1 - share) ** groupSize;
      const likelihood = (isRefused ? 1 - isGood : isGood - isGroupGood) / (1 - isGroupGood);
      const kept = weight + ((PRIOR[i] ?? 0) - weight) / MEMORY_CALLS;
      return kept + Math.log(Math.max(likelihood, 1e-9));
    });
  }

  /** The estimated share: the geometric mean of all shares, weighted with their likelihood. */
  get value(): number {
    const max = Math.max(...this.#weights);
    let sum = 0;
    let logs = 0;
    for (const [i, weight] of this.#weights.entries()) {
      const likelihood = Math.exp(weight - max);
      sum += likelihood;
      logs += likelihood * Math.log(SHARES[i] ?? 1);
    }
    return Math.exp(logs / sum);
  }
}

/**
 * How many inputs of which nothing is known should share a call. The call is then refused with a probability of about one half and
 * yields the most information. This is the best parameter of a Golomb code for the distances between bad inputs.
 */
export function chooseCallSize(share: number, maxInputs: number): number {
  return Math.min(maxInputs, Math.max(1, Math.ceil(Math.log(2 - share) / -Math.log(1 - share))));
}

/** How many inputs of a group of at least two that contains a bad one are called next: about half of them. */
export function chooseTestSize(share: number, groupSize: number): number {
  // With one of three, a single that is refused needs no further call.
  if (groupSize <= 3) return 1;
  const size = Math.log((1 + (1 - share) ** groupSize) / 2) / Math.log(1 - share);
  return Math.min(groupSize - 1, Math.max(1, Math.round(size)));
}
