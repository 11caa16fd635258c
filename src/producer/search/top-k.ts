export interface Scored {
  readonly index: number;
  readonly score: number;
}

/** Keeps the `k` best of any number of scored items; for equal scores the lower index is better. */
export class TopK {
  readonly #k: number;
  /** A binary heap whose first element is the worst item that is kept. */
  readonly #heap: Scored[] = [];

  constructor(k: number) {
    this.#k = k;
  }

  /** The minimum score that can be kept. */
  get threshold(): number {
    const worst = this.#heap[0];
    return this.#heap.length < this.#k || worst === undefined ? Number.NEGATIVE_INFINITY : worst.score;
  }

  add(scored: Scored): void {
    if (this.#heap.length < this.#k) {
      this.#heap.push(scored);
      this.#siftUp(this.#heap.length - 1);
    } else if (this.#heap[0] !== undefined && isWorse(this.#heap[0], scored)) {
      this.#heap[0] = scored;
      this.#siftDown(0);
    }
  }

  /** Returns the kept items, best first. */
  best(): Scored[] {
    return this.#heap.toSorted((a, b) => (isWorse(b, a) ? -1 : 1));
  }

  #siftUp(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfWorse(at, parent)) return;
      at = parent;
    }
  }

  #siftDown(from: number): void {
    for (let at = from; ; ) {
      const left = at * 2 + 1;
      const child = this.#isWorseAt(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfWorse(child, at)) return;
      at = child;
    }
  }

  #isWorseAt(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    return first !== undefined && second !== undefined && isWorse(first, second);
  }

  #swapIfWorse(lower: number, upper: number): boolean {
    const [low, high] = [this.#heap[lower], this.#heap[upper]];
    if (low === undefined || high === undefined || !isWorse(low, high)) return false;
    this.#heap[lower] = high;
    this.#heap[upper] = low;
    return true;
  }
}

function isWorse(a: Scored, b: Scored): boolean {
  return a.score < b.score || (a.score === b.score && a.index > b.index);
}
