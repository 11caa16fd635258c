import type { Sample } from "#src/evaluation/sample.ts";
import { NumberColumn } from "./number-column.ts";

/** The values of a group field, each with a number, and the number of each item's value. */
export interface GroupColumn {
  readonly values: ReadonlyMap<string, number>;
  readonly numbers: NumberColumn;
}

/**
 * The items of a dataset by their index, in the order of the plan, without their ids: of a million items only clusters and groups
 * stay in memory.
 */
export class ScoredItems {
  readonly #clusters = new Map<string, number>();
  readonly #clusterNumbers = new NumberColumn();
  readonly #groups = new Map<string, { readonly values: Map<string, number>; readonly numbers: NumberColumn }>();
  #last: string | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get groups(): ReadonlyMap<string, GroupColumn> {
    return this.#groups;
  }

  /** The index of the sample's item. All samples of an item must come before those of the next one. */
  indexOf({ item, cluster, groups }: Pick<Sample, "item" | "cluster" | "groups">): number {
    if (item === this.#last) return this.#count - 1;
    this.#last = item;
    const index = this.#count;
    this.#count += 1;
    if (cluster !== item) this.#clusterNumbers.set(index, findNumber(this.#clusters, cluster));
    for (const [field, value] of Object.entries(groups)) {
      const column = this.#groups.get(field) ?? { values: new Map<string, number>(), numbers: new NumberColumn() };
      this.#groups.set(field, column);
      column.numbers.set(index, findNumber(column.values, value));
    }
    return index;
  }

  /** Undefined for an item that is a cluster of its own. */
  clusterOf(index: number): number | undefined {
    const cluster = this.#clusterNumbers.get(index);
    return Number.isNaN(cluster) ? undefined : cluster;
  }
}

function findNumber(numbers: Map<string, number>, name: string): number {
  const number = numbers.get(name) ?? numbers.size;
  numbers.set(name, number);
  return number;
}
