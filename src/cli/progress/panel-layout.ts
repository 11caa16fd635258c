import { stripVTControlCharacters } from "node:util";
import type picocolors from "picocolors";
import { textWidth } from "#src/cli/format/text-width.ts";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Columns of the labels on the left. */
export const GUTTER = 10;
const MIN_CELL = 15;
/** With fewer columns between them, two numbers look like one. */
const GAP = 2;

/** Terminal columns of a text that may contain colors. */
export function shownWidth(text: string): number {
  return textWidth(stripVTControlCharacters(text));
}

/**
 * A label followed by cells, which have the same width in all lines of the panel, so that nothing moves while numbers
 * grow. Cells that do not fit go to the next line.
 */
export function layoutCells(label: string, cells: readonly string[], width: number, colors: Colors): string[] {
  const perLine = width - GUTTER >= 4 * MIN_CELL ? 4 : Math.max(1, Math.floor((width - GUTTER) / MIN_CELL));
  const cellWidth = Math.floor((width - GUTTER) / perLine);
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const cell of cells) {
    const shown = shownWidth(cell);
    const span = Math.min(perLine, Math.ceil((shown + GAP) / cellWidth));
    if (used + span > perLine) {
      lines.push(line.trimEnd());
      line = "";
      used = 0;
    }
    line += cell + " ".repeat(Math.max(1, span * cellWidth - shown));
    used += span;
  }
  if (line !== "") lines.push(line.trimEnd());
  return lines.map((one, index) => colors.dim((index === 0 ? label : "").padEnd(GUTTER)) + one);
}

/** A bar of `width` columns with a share of 0 to 1 filled; a share above 0 fills at least one column. */
export function drawBar(share: number, width: number, strong: (text: string) => string, colors: Colors): string {
  const bounded = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
  const filled = bounded === 0 ? 0 : Math.max(1, Math.floor(bounded * width));
  return strong("━".repeat(filled)) + colors.dim("─".repeat(width - filled));
}
