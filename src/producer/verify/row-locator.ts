import type { RowDigest } from "#src/producer/output/digests/row-digest.ts";
import type { FoundRow } from "./found-row.ts";
import type { RowDigests } from "./row-digests.ts";

/** Finds out which row of an output a row of a file is, whatever its place in the file is. */
export class RowLocator {
  readonly #digests: RowDigests;
  /** Rows by id, and by the checksum of their results: read only when a row is not at its place. */
  #byId: Promise<ReadonlyMap<string, readonly number[]>> | undefined;
  #byResult: Promise<ReadonlyMap<number, readonly number[]>> | undefined;

  constructor(digests: RowDigests) {
    this.#digests = digests;
  }

  /** The row number; undefined for a row that is damaged or of another run. `expected` is the row that was written here. */
  async locate(found: FoundRow, expected: number): Promise<number | undefined> {
    const digest = this.#digests.peek(expected) ?? (await this.#digests.read(expected));
    if (digest && isSameRow(found, digest)) return expected;
    const { id, index, result } = found;
    if (id === undefined) return result === undefined ? undefined : await this.#findResult(result, expected);
    if (index !== undefined && (await this.#digests.read(index))?.id === id) return index;
    return (await this.#findId(id)) ?? (index === expected ? expected : undefined);
  }

  async #findId(id: string): Promise<number | undefined> {
    this.#byId ??= this.#collect(({ id: key }) => key);
    return (await this.#byId).get(id)?.[0];
  }

  /** The next row with this result: equal texts have equal vectors. */
  async #findResult(result: number, expected: number): Promise<number | undefined> {
    this.#byResult ??= this.#collect((digest) => (digest.isOk ? digest.result : undefined));
    const rows = (await this.#byResult).get(result);
    return rows?.find((row) => row >= expected) ?? rows?.[0];
  }

  async #collect<K>(keyOf: (digest: RowDigest) => K | undefined): Promise<ReadonlyMap<K, number[]>> {
    const rows = new Map<K, number[]>();
    for await (const [row, digest] of this.#digests.all()) {
      const key = keyOf(digest);
      if (key === undefined) continue;
      const same = rows.get(key);
      if (same) same.push(row);
      else rows.set(key, [row]);
    }
    return rows;
  }
}

/** By its id; a row of a file without ids by its result. */
function isSameRow({ id, isOk, result }: FoundRow, digest: RowDigest): boolean {
  if (id !== undefined) return id === digest.id;
  return isOk === digest.isOk && (!digest.isOk || result === digest.result);
}
