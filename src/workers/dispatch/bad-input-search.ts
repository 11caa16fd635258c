import { BadShare, chooseCallSize, chooseTestSize } from "./bad-share.ts";

/** Inputs of one call, and what is known about them. */
export interface GroupTest<I> {
  readonly inputs: readonly I[];
  /**
   * The other inputs of the refused group that the call tests a part of. Empty: the input was inferred to be the bad one.
   * Undefined: nothing is known about the inputs.
   */
  readonly groupRest?: readonly I[] | undefined;
}

/** What follows from the outcome of a call. */
export interface SearchStep<I> {
  readonly tests: readonly GroupTest<I>[];
  /** Inputs about which nothing is known: they go into further calls with any others. */
  readonly unknown: readonly I[];
}

/** Wrong inferences after which the causes of refusals are no longer taken for single inputs. */
const MAX_WRONG = 2;
/** Wrong inferences that are remembered. */
const WRONG_LIMIT = 3;
/** How much of a wrong inference a bad input that was found alone makes up for. */
const CONFIRMATION = 0.25;

/**
 * Finds the bad inputs among the inputs of refused calls with few calls (group testing): a call that contains a bad input
 * is refused as a whole.
 *
 * A refused group is halved until its first bad input is alone. When one half is accepted, the other contains the bad input, and
 * its half is called next. When one half is refused, nothing is known about the other, which joins other inputs in full calls.
 * An input counts as bad only when its own call is refused: an inference decides only what is called next.
 *
 * The inference is wrong where the size of the calls or chance is the cause. After repeated wrong inferences, both halves are
 * called, until bad inputs are found again.
 */
export class BadInputSearch {
  readonly #share = new BadShare();
  #wrong = 0;

  /** The estimated share of bad inputs, between 0 and 1. */
  get share(): number {
    return this.#share.value;
  }

  /** How many inputs a call takes about which nothing is known. */
  chooseCallSize(maxInputs: number): number {
    return maxInputs === 1 ? 1 : chooseCallSize(this.share, maxInputs);
  }

  accept<I>({ inputs, groupRest }: GroupTest<I>): SearchStep<I> {
    const groupSize = groupRest && inputs.length + groupRest.length;
    this.#share.record(false, inputs.length, groupSize);
    if (groupRest?.length === 0) this.#wrong = Math.min(WRONG_LIMIT, this.#wrong + 1);
    return { tests: groupRest && groupRest.length > 0 ? [this.#test(groupRest)] : [], unknown: [] };
  }

  /** Takes a call that was refused because of its inputs. */
  refuse<I>({ inputs, groupRest }: GroupTest<I>): SearchStep<I> {
    if (inputs.length === 1) this.#wrong = Math.max(0, this.#wrong - CONFIRMATION);
    const canInfer = this.#wrong < MAX_WRONG;
    if (canInfer) this.#share.record(true, inputs.length, groupRest && inputs.length + groupRest.length);
    const unknown = groupRest ?? [];
    if (inputs.length === 1) return { tests: [], unknown };
    return { tests: canInfer ? [this.#test(inputs)] : halve(inputs).map((half) => ({ inputs: half })), unknown };
  }

  /** The next call for a group that contains a bad input. */
  #test<I>(group: readonly I[]): GroupTest<I> {
    const size = group.length === 1 ? 1 : chooseTestSize(this.share, group.length);
    return { inputs: group.slice(0, size), groupRest: group.slice(size) };
  }
}

export function halve<I>(inputs: readonly I[]): (readonly I[])[] {
  const middle = Math.ceil(inputs.length / 2);
  return [inputs.slice(0, middle), inputs.slice(middle)];
}
