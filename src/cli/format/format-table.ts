import { sanitize } from "./sanitize.ts";
import { pad, textWidth, truncate } from "./text-width.ts";

export interface Column {
  readonly title: string;
  /** Numbers are aligned on the right. Default: left. */
  readonly align?: "left" | "right";
  /** Maximum columns of the terminal; longer text is truncated. */
  readonly maxWidth?: number;
}

const GAP = "  ";

/**
 * A table as text: one line of titles and one per row, without a trailing line break. Cells are sanitized here. Lines
 * longer than `width` are truncated.
 */
export function formatTable(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  { width = Number.POSITIVE_INFINITY }: { width?: number } = {},
): string {
  const titles = columns.map((column) => column.title);
  const clean = [titles, ...cells].map((line) =>
    columns.map(({ maxWidth = Number.POSITIVE_INFINITY }, index) => truncate(sanitize(line[index] ?? ""), maxWidth)),
  );
  const widths = columns.map((_, index) => Math.max(...clean.map((line) => textWidth(line[index] ?? ""))));
  return clean
    .map((line) => {
      const padded = line.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align ?? "left"));
      return truncate(padded.join(GAP).trimEnd(), width);
    })
    .join("\n");
}
