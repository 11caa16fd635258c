/** Collects the answers to the calls of one item that needs several. */
export class AnswerCollector<R> {
  readonly #answers: (R | undefined)[];
  readonly #combine: (answers: readonly R[]) => R;
  #hasFailed = false;

  constructor(count: number, combine: (answers: readonly R[]) => R) {
    this.#answers = Array(count).fill(undefined);
    this.#combine = combine;
  }

  /** One of the calls has failed for good: the item has its record, and no further call is made for it. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  fail(): void {
    this.#hasFailed = true;
  }

  /** The combined answer when all calls have answered; undefined before. */
  add(position: number, answer: R): R | undefined {
    this.#answers[position] = answer;
    const complete = this.#answers.filter((one) => one !== undefined);
    return complete.length < this.#answers.length ? undefined : this.#combine(complete);
  }
}

/** One of several calls of an item. */
export interface ItemPart<R> {
  readonly position: number;
  readonly collector: AnswerCollector<R>;
}
