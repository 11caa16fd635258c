import type { EvaluationScore } from "#src/dashboard/evaluations/evaluation-api.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { formatScore } from "#src/evaluation/results/format-score.ts";

export function formatInterval({ interval, range }: Pick<EvaluationScore, "interval" | "range">): string | undefined {
  if (interval === null) return undefined;
  return translations.value.evaluations.range(formatScore(interval.low, range), formatScore(interval.high, range));
}
