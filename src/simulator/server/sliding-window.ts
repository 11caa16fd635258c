/**
 * Amounts spent at moments, and their sum over the last `windowMs`. An amount counts from its moment until just
 * before `windowMs` later. The greatest sum any window ever held is kept: it is always reached by a spending.
 */
export class SlidingWindow {
  readonly #moments: number[] = [];
  readonly #amounts: number[] = [];
  #head = 0;
  #sum = 0;
  #max = 0;

  /** The greatest sum of any window so far. */
  get max(): number {
    return this.#max;
  }

  sumAt(now: number, windowMs: number): number {
    while (this.#head < this.#moments.length && now - (this.#moments[this.#head] ?? 0) >= windowMs) {
      this.#sum -= this.#amounts[this.#head] ?? 0;
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#moments.length) {
      this.#moments.splice(0, this.#head);
      this.#amounts.splice(0, this.#head);
      this.#head = 0;
    }
    return this.#sum;
  }

  spend(now: number, windowMs: number, amount: number): void {
    this.sumAt(now, windowMs);
    this.#moments.push(now);
    this.#amounts.push(amount);
    this.#sum += amount;
    this.#max = Math.max(this.#max, this.#sum);
  }

  /** Forgets the maximum, not what was spent. */
  resetMax(now: number, windowMs: number): void {
    this.#max = this.sumAt(now, windowMs);
  }
}
