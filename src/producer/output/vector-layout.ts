import type { PlacedBytes } from "#src/producer/storage/vectors/plan-writes.ts";
import { NPY_HEADER_BYTES } from "./npy-header.ts";
import { encodeFullPageStart, PARQUET_PAGE_BYTES } from "./parquet/vector-page.ts";

/** How the vectors lie in their file; see `createVectorLayout`. */
export type LayoutKind = "flat" | "pages";

export interface LayoutOptions {
  readonly items: number;
  /** Floats per vector; 0 before the first vector. */
  readonly dimensions: number;
  readonly layout: LayoutKind;
}

/** Positions of the vectors of a run in the vector file, where they lie in the order of their items. */
export interface VectorLayout {
  readonly kind: LayoutKind;
  /** Returns the position of the first byte of an item's vector. */
  position(index: number): number;
  /** Returns the first item after `index` whose vector is not adjacent to the vector before it. */
  findContiguousEnd(index: number): number;
  /** Returns the bytes to write for an item: its vector and, for the first item of a page, the start of the page. */
  place(index: number, vector: Uint8Array): PlacedBytes[];
  /** Position after the last vector. */
  readonly end: number;
}

export interface PagedLayout extends VectorLayout {
  readonly kind: "pages";
  readonly rowsPerPage: number;
  /** Returns the header and levels that come before the vectors of an item's page. */
  pageStart(index: number): PlacedBytes;
}

export function isPaged(layout: VectorLayout): layout is PagedLayout {
  return layout.kind === "pages";
}

/**
 * Both layouts are those of an output format, so that writing the output means filling in what surrounds the vectors
 * instead of copying gigabytes. Flat: a NumPy file, 128 bytes followed by all vectors. Pages: a Parquet file, in which
 * each MiB of vectors follows the start of its page.
 */
export function createVectorLayout({ items, dimensions, layout }: LayoutOptions): VectorLayout {
  return layout === "flat" ? createFlatLayout(items, dimensions) : createPagedLayout(items, dimensions);
}

function createFlatLayout(items: number, dimensions: number): VectorLayout {
  const position = (index: number) => NPY_HEADER_BYTES + index * dimensions * 4;
  return {
    kind: "flat",
    position,
    findContiguousEnd: () => items,
    place: (index, bytes) => [{ position: position(index), bytes }],
    end: position(items),
  };
}

/** Room before the first page for the file's magic bytes; as large as the header of the flat layout. */
const FIRST_PAGE = NPY_HEADER_BYTES;
/** Limits the memory for the items of a page, however short their vectors are. */
const MAX_ROWS_PER_PAGE = 4_000;

function createPagedLayout(items: number, dimensions: number): PagedLayout {
  const size = dimensions * 4;
  const rowsPerPage = Math.min(MAX_ROWS_PER_PAGE, Math.max(1, Math.floor(PARQUET_PAGE_BYTES / Math.max(size, 1))));
  const encodeStart = (rows: number) =>
    dimensions === 0 || rows === 0 ? new Uint8Array() : encodeFullPageStart(rows, dimensions);
  const fullStart = encodeStart(rowsPerPage);
  // All pages but the last are full, and the start of a page with fewer rows may be shorter.
  const lastPage = Math.floor(items / rowsPerPage);
  const lastStart = encodeStart(items % rowsPerPage);
  const pageStart = (index: number): PlacedBytes => {
    const page = Math.floor(index / rowsPerPage);
    const position = FIRST_PAGE + page * (fullStart.length + rowsPerPage * size);
    return { position, bytes: page >= lastPage ? lastStart : fullStart };
  };
  const position = (index: number) => {
    const start = pageStart(index);
    return start.position + start.bytes.length + (index % rowsPerPage) * size;
  };
  return {
    kind: "pages",
    position,
    findContiguousEnd: (index) => Math.min(items, (Math.floor(index / rowsPerPage) + 1) * rowsPerPage),
    place(index, bytes) {
      const vector = { position: position(index), bytes };
      // Writing the start of the page later would cost another disk write per page.
      return index % rowsPerPage === 0 ? [pageStart(index), vector] : [vector];
    },
    end: position(items),
    rowsPerPage,
    pageStart,
  };
}
