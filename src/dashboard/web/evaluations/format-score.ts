import type { EvaluationScore } from "#src/dashboard/evaluations/evaluation-api.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

/** A share as a percentage with one decimal, because models differ by less than a percent; a number with three decimals. */
export function formatScore(value: number | null | undefined, range: EvaluationScore["range"]): string {
  if (value === null || value === undefined) return formatters.value.count(undefined);
  return range === "number" ? value.toFixed(3) : `${(value * 100).toFixed(1)} %`;
}

export function formatInterval({ interval, range }: Pick<EvaluationScore, "interval" | "range">): string | undefined {
  if (interval === null) return undefined;
  return translations.value.evaluations.range(formatScore(interval.low, range), formatScore(interval.high, range));
}
