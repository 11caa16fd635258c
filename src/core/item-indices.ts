/** Ranges kept of one list; a call carries neighbours nearly always. */
const MAX_RANGES = 64;

/** Item indices as text: "3,7-16,40". In order, without repetition; what does not fit into 64 ranges is left out. */
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

/** Reads what `formatIndices` writes. */
export function parseIndices(text: string): number[] {
  return parseRanges(text).flatMap(([first, last]) =>
    Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i),
  );
}

/** Whether `index` is in the list, without spelling the list out. */
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
