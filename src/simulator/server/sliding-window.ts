/**
 * The sum of amounts over the last `windowMs`. An amount counts for exactly `windowMs`, excluding the end. Also keeps the
 * maximum sum of any window, which is always reached when an amount is added.
 */
export class SlidingWindow {
  readonly #moments: number[] = [];
  readonly #amounts: number[] = [];
  #head = 0;
  #sum = 0;
  #max = 0;

  /** Maximum sum of any window so far. */
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

  /** Resets the maximum, but not the amounts. */
  resetMax(now: number, windowMs: number): void {
    this.#max = this.sumAt(now, windowMs);
  }
}
