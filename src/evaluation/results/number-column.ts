const FIRST_CAPACITY = 1_024;

/** Numbers by index, with 8 bytes each. */
export class NumberColumn {
  #values = new Float64Array(FIRST_CAPACITY).fill(Number.NaN);

  /** NaN if nothing was set. */
  get(index: number): number {
    return this.#values[index] ?? Number.NaN;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const grown = new Float64Array(Math.max(index + 1, this.#values.length * 2)).fill(Number.NaN);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[index] = value;
  }
}
