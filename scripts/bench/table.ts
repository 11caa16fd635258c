// Medians, number formats and Markdown tables.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function computeSpread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** A number with at least three significant digits and thousands separators. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** "7,012 (6,800-7,100)": median, minimum and maximum. */
export function formatSpread(values: readonly number[]): string {
  const { median, min, max } = computeSpread(values);
  return values.length < 2 ? number(median) : `${number(median)} (${number(min)}-${number(max)})`;
}

export function formatRatio(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)}x` : "-";
}

export function formatMegabytes(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${Math.round(bytes / 1e6)} MB`;
}

/** A Markdown table. The first column is left-aligned, the others are right-aligned. */
export function formatMarkdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...lines.map(line)].join("\n");
}
