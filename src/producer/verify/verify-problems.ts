/** A difference between an output and what was written. */
export interface VerifyProblem {
  /** Name in the output folder, or the path of a source. */
  readonly file: string;
  /** Row of the file, from 0; the line of a text file is one more. */
  readonly row?: number;
  /** The item, or the request of a batch file, by its place in the input, from 0. */
  readonly index?: number;
  readonly id?: string;
  /** What differs: a clause, such as "the vector differs". */
  readonly message: string;
}

/** How many problems are kept; the others are counted. */
const KEPT_PROBLEMS = 20;

/** Collects problems in constant memory. */
export class VerifyProblems {
  readonly kept: VerifyProblem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(problem: VerifyProblem): void {
    this.#count += 1;
    if (this.kept.length < KEPT_PROBLEMS) this.kept.push(problem);
  }

  addAll({ kept, count }: VerifyProblems): void {
    for (const problem of kept) this.add(problem);
    this.#count += count - kept.length;
  }
}
