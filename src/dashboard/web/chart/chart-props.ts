import type { RunPeriod } from "#src/dashboard/overview/history-api.ts";

export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly color: "a" | "b" | "c" | "d" | "e";
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** Start of each step, epoch milliseconds. */
  readonly at: readonly number[];
  readonly lines: readonly ChartSeries[];
  /** Runs whose start and end are marked. */
  readonly runs?: readonly RunPeriod[];
  readonly format: (value: number | null | undefined) => string;
  /** Shorter format for the labels of the value axis; `format` by default. */
  readonly formatAxis?: (value: number) => string;
}

/** The last value that is known. */
export function getLatestValue(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
