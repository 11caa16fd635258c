import type { LayoutKind, LedgerHeader } from "#src/producer/storage/ledger.ts";
import type { PlacedBytes } from "#src/producer/storage/plan-writes.ts";
import { NPY_HEADER_BYTES } from "./npy-header.ts";
import { PARQUET_PAGE_BYTES, pagePreamble } from "./parquet-page.ts";

/** Where the vectors of a run lie in their file: each in a place of its own, in the order of their items. */
export interface VectorLayout {
  readonly kind: LayoutKind;
  /** Of the first byte of an item's vector. */
  position(index: number): number;
  /** The first item behind `index` whose vector does not lie side by side with the one before it. */
  findContiguousEnd(index: number): number;
  /** What is to be written for an item's vector: itself, and with the first of a page what stands before it. */
  place(index: number, vector: Uint8Array): PlacedBytes[];
  /** Behind the last vector. */
  readonly end: number;
}

/** Of a layout of pages. */
export interface PagedLayout extends VectorLayout {
  readonly kind: "pages";
  readonly rowsPerPage: number;
  /** Where the page of an item begins, with what stands before its vectors. */
  pageStart(index: number): number;
}

export function isPaged(layout: VectorLayout): layout is PagedLayout {
  return layout.kind === "pages";
}

/**
 * Both layouts are those of an output, so that writing it means filling in what stands around the vectors and not
 * copying gigabytes. Flat: a NumPy file, 128 bytes and then all vectors. Pages: a Parquet file, in which every
 * mebibyte of vectors has the beginning of its page before it.
 */
export function vectorLayout({ items, dimensions, layout }: LedgerHeader): VectorLayout {
  return layout === "flat" ? flatLayout(items, dimensions) : pagedLayout(items, dimensions);
}

function flatLayout(items: number, dimensions: number): VectorLayout {
  const position = (index: number) => NPY_HEADER_BYTES + index * dimensions * 4;
  return {
    kind: "flat",
    position,
    findContiguousEnd: () => items,
    place: (index, bytes) => [{ position: position(index), bytes }],
    end: position(items),
  };
}

/** Room before the first page for the file's mark; kept as wide as the other layout's. */
const FIRST_PAGE = NPY_HEADER_BYTES;
/** So that a page's items are few enough for memory however short their vectors are. */
const MAX_ROWS_PER_PAGE = 4_000;

function pagedLayout(items: number, dimensions: number): PagedLayout {
  const size = dimensions * 4;
  const rowsPerPage = Math.min(MAX_ROWS_PER_PAGE, Math.max(1, Math.floor(PARQUET_PAGE_BYTES / Math.max(size, 1))));
  const whole = dimensions === 0 ? 0 : pagePreamble(rowsPerPage, dimensions).length;
  const lastPage = Math.floor(items / rowsPerPage);
  // Every page but the last is full; the beginning of one that is not may be shorter.
  const rest = items % rowsPerPage;
  const last = dimensions === 0 || rest === 0 ? 0 : pagePreamble(rest, dimensions).length;
  const pageStart = (index: number) => FIRST_PAGE + Math.floor(index / rowsPerPage) * (whole + rowsPerPage * size);
  const position = (index: number) => {
    const preamble = index >= lastPage * rowsPerPage ? last : whole;
    return pageStart(index) + preamble + (index % rowsPerPage) * size;
  };
  return {
    kind: "pages",
    position,
    findContiguousEnd: (index) => Math.min(items, (Math.floor(index / rowsPerPage) + 1) * rowsPerPage),
    place(index, bytes) {
      const own = { position: position(index), bytes };
      if (index % rowsPerPage !== 0) return [own];
      // Later it would cost a second way to the disk for every page.
      const preamble = pagePreamble(Math.min(rowsPerPage, items - index), dimensions);
      return [{ position: pageStart(index), bytes: preamble }, own];
    },
    end: position(items),
    rowsPerPage,
    pageStart,
  };
}
