import type { RowDigest } from "#src/producer/output/digests/row-digest.ts";
import type { FoundRow, ResultName } from "./found-row.ts";
import type { RowDigests } from "./row-digests.ts";
import { RowLocator } from "./row-locator.ts";
import type { VerifyProblems } from "./verify-problems.ts";

export interface CheckedFile {
  readonly name: string;
  /** Which rows of the output the file has. */
  readonly has: (digest: RowDigest) => boolean;
  readonly resultName: ResultName;
}

/** A row that is not the one that was written at its place, until the next row tells why. */
interface MisplacedRow {
  readonly found: FoundRow;
  readonly place: number;
  readonly expected: number;
  readonly row: number | undefined;
}

/**
 * Compares the rows of a file, in order, with the digests of what was written, and names every row that is changed,
 * missing, repeated, or at another place. After a removed or inserted row, the rows that follow count as in order.
 */
export class RowChecker {
  readonly #file: CheckedFile;
  readonly #digests: RowDigests;
  readonly #locator: RowLocator;
  readonly #problems: VerifyProblems;
  /** One bit per row of the output. */
  readonly #seen: Uint8Array;
  #seenCount = 0;
  #place = 0;
  #expected: number;
  #misplaced: MisplacedRow | undefined;

  private constructor(file: CheckedFile, digests: RowDigests, problems: VerifyProblems, first: number) {
    this.#file = file;
    this.#digests = digests;
    this.#locator = new RowLocator(digests);
    this.#problems = problems;
    this.#seen = new Uint8Array(Math.ceil(digests.rows / 8));
    this.#expected = first;
  }

  static async create(file: CheckedFile, digests: RowDigests, problems: VerifyProblems): Promise<RowChecker> {
    return new RowChecker(file, digests, problems, await findRow(digests, file, 0));
  }

  async add(found: FoundRow): Promise<void> {
    const place = this.#place++;
    if (this.#misplaced) await this.#resolve(this.#misplaced, found);
    const expected = this.#expected;
    const row = await this.#locator.locate(found, expected);
    if (row !== expected) {
      this.#misplaced = { found, place, expected, row };
      return;
    }
    await this.#check(found, place, row);
    this.#expected = await this.#next(row);
  }

  /** Reports the rows that are missing. Returns the number of rows that were found at least once. */
  async finish(): Promise<number> {
    if (this.#misplaced) await this.#resolve(this.#misplaced, undefined);
    const { name, has } = this.#file;
    if (this.#seenCount === this.#digests.rows) return this.#seenCount;
    for await (const [row, digest] of this.#digests.all()) {
      if (has(digest) && !this.#isSeen(row)) {
        this.#problems.add({ file: name, index: row, id: digest.id, message: "the row is missing" });
      }
    }
    return this.#seenCount;
  }

  /** Decides what happened to a misplaced row: was it put in the place of another one, inserted, or are rows missing? */
  async #resolve({ found, place, expected, row }: MisplacedRow, next: FoundRow | undefined): Promise<void> {
    this.#misplaced = undefined;
    const afterExpected = await this.#next(expected);
    const isInserted = next !== undefined && (await this.#locator.locate(next, expected)) === expected;
    const isReplaced =
      !isInserted && next !== undefined && (await this.#locator.locate(next, afterExpected)) === afterExpected;
    if (row === undefined) {
      // Nothing says which row it is, so it counts as the one that was written here.
      const isUnknown = isInserted || expected >= this.#digests.rows;
      this.#expected = isInserted ? expected : afterExpected;
      if (isUnknown) this.#report(place, found, found.error ?? "the row is not part of what was written");
      else await this.#check(found, place, expected);
      return;
    }
    const isRepeated = this.#isSeen(row);
    const digest = await this.#digests.read(expected);
    if (isRepeated) this.#report(place, found, `the row repeats ${formatRow(row, found.id)}`, row);
    else if (isInserted || isReplaced || row < expected) {
      const here = digest ? `${formatRow(expected, digest.id)} was written here` : "nothing was written here";
      this.#report(place, found, `the row is at another place; ${here}`, row);
    }
    if (isInserted) this.#expected = expected;
    else if (isReplaced) this.#expected = afterExpected;
    else this.#expected = await this.#next(row);
    await this.#check(found, place, row);
  }

  async #check(found: FoundRow, place: number, row: number): Promise<void> {
    const mask = 1 << (row % 8);
    const at = row >> 3;
    if (((this.#seen[at] ?? 0) & mask) === 0) {
      this.#seen[at] = (this.#seen[at] ?? 0) | mask;
      this.#seenCount += 1;
    }
    const digest = this.#digests.peek(row) ?? (await this.#digests.read(row));
    if (!digest) return;
    const message = this.#describeDifference(found, digest, row);
    if (message !== undefined) this.#report(place, { ...found, id: found.id ?? digest.id }, message, row);
  }

  #describeDifference(found: FoundRow, digest: RowDigest, row: number): string | undefined {
    if (found.error !== undefined) return found.error;
    const { id, index, isOk, text, fields, result } = found;
    if (!this.#file.has(digest)) return `the row is in the wrong file`;
    const differing: string[] = [];
    const compare = (name: string, differs: boolean) => differs && differing.push(name);
    compare("the id", id !== undefined && id !== digest.id);
    compare("the index", index !== undefined && index !== row);
    const differsInStatus = isOk !== undefined && isOk !== digest.isOk;
    compare("the status", id !== undefined && differsInStatus);
    compare("the text", text !== undefined && text !== digest.text);
    const differsInResult = result !== undefined && result !== digest.result;
    compare(`the ${this.#file.resultName}`, differsInResult || (id === undefined && differsInStatus));
    if (fields !== undefined && fields !== digest.fields && index === row)
      differing.push("tokens, attempts or metadata");
    if (differing.length === 0) return undefined;
    return `${differing.join(", ")} ${differing.length > 1 || differing[0]?.startsWith("tokens") ? "differ" : "differs"}`;
  }

  #report(place: number, { id }: FoundRow, message: string, index?: number): void {
    this.#problems.add({ file: this.#file.name, row: place, index, id, message });
  }

  #isSeen(row: number): boolean {
    return ((this.#seen[row >> 3] ?? 0) & (1 << (row % 8))) !== 0;
  }

  #next(row: number): Promise<number> | number {
    const next = this.#digests.peek(row + 1);
    return next && this.#file.has(next) ? row + 1 : findRow(this.#digests, this.#file, row + 1);
  }
}

/** The first row of the file from `from` on; the number of rows of the output if there is none. */
async function findRow(digests: RowDigests, { has }: CheckedFile, from: number): Promise<number> {
  for (let row = from; row < digests.rows; row += 1) {
    const digest = await digests.read(row);
    if (digest && has(digest)) return row;
  }
  return digests.rows;
}

function formatRow(row: number, id: string | undefined): string {
  return id === undefined ? `row ${row}` : `row ${row} (${JSON.stringify(id)})`;
}
