/** Ranges kept per list; the items of a call are nearly always adjacent. */
const MAX_RANGES = 64;

/** Formats item indices as "3,7-16,40": sorted, without duplicates; indices beyond 64 ranges are omitted. */
export function formatIndices(indices: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of [...new Set(indices)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else if (ranges.length < MAX_RANGES) ranges.push([index, index]);
    else break;
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** Parses the output of `formatIndices`. */
export function parseIndices(text: string): number[] {
  return parseRanges(text).flatMap(([first, last]) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i),
  );
}

/** Whether `index` is in the list; does not expand the list. */
export function indicesInclude(text: string, index: number): boolean {
  return parseRanges(text).some(([first, last]) => index >= first && index <= last);
}

function parseRanges(text: string): [number, number][] {
  if (text === "") return [];
  return text.split(",").map((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return [first, last];
  });
}
