import { sanitize } from "./sanitize.ts";
import { pad, textWidth, truncate } from "./text-width.ts";

export interface Column {
  readonly title: string;
  /** Figures read best aligned on the right. Default: left. */
  readonly align?: "left" | "right";
  /** Columns of the terminal; longer text is cut. */
  readonly maxWidth?: number;
}

const GAP = "  ";

/**
 * A table as text: one line of titles and one per record, without a line break at the end. Cells are sanitized here,
 * so callers pass them as they came. `width` cuts lines that are too long for the terminal.
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
