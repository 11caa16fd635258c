import type { ReportHead, ReportMetric } from "#src/evaluation/report/report-data.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";

/** A metric with the name of its model in the report. */
export interface LabelledMetric extends ReportMetric {
  readonly label: string;
  readonly evaluation: number;
}

/** The metrics of all models for one dataset, prompt, and scorer. */
export interface ScoreSection {
  /** Names only what distinguishes it from the other sections. */
  readonly name: string;
  readonly scorer: string;
  readonly range: ScoreRange;
  readonly metrics: readonly LabelledMetric[];
}

interface SectionKey {
  readonly dataset: string;
  readonly prompt: string;
  readonly scorer: string;
}

/** Names sections by what is not the same in all of them. */
export function createSectionNamer({ evaluations }: ReportHead): (key: SectionKey) => string {
  const metrics = evaluations.flatMap(({ results }) => results.metrics);
  const isSame = (name: keyof SectionKey) => metrics.every((metric) => metric[name] === metrics[0]?.[name]);
  const parts = (["dataset", "prompt"] as const).filter((name) => !isSame(name));
  return (key) => [key.scorer, ...parts.map((name) => key[name])].join(" · ");
}

export function labelModel({ evaluations }: ReportHead, evaluation: number, model: string): string {
  return evaluations.length === 1 ? model : `${model} · ${evaluations[evaluation]?.folder}`;
}

export function listSections(head: ReportHead): ScoreSection[] {
  const nameOf = createSectionNamer(head);
  const metrics = head.evaluations.flatMap(({ results }, evaluation) =>
    results.metrics.map((metric) => ({ ...metric, evaluation, label: labelModel(head, evaluation, metric.model) })),
  );
  return [...Map.groupBy(metrics, nameOf)].flatMap(([name, own]) =>
    own.slice(0, 1).map(({ scorer, range }) => ({ name, scorer, range, metrics: own })),
  );
}

/** A comparison in the form in which a report shows it. */
export interface ReportComparison {
  readonly section: string;
  /** Names the comparison among those of its section. */
  readonly label: string;
  readonly model: string;
  readonly baseline: string;
  readonly range: ScoreRange;
  readonly items: number;
  readonly difference: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly adjustedPValue: number;
  readonly won: number;
  readonly lost: number;
  readonly tied: number;
  readonly itemsNeeded: number | null;
}

/** Comparisons of the models of one evaluation with its baseline, or of several evaluations with the first one. */
export function listComparisons(head: ReportHead): ReportComparison[] {
  const nameOf = createSectionNamer(head);
  if (head.compared === undefined)
    return head.evaluations.flatMap(({ results }) =>
      results.comparisons.map((comparison) => ({
        ...comparison,
        section: nameOf(comparison),
        label: comparison.model,
      })),
    );
  return head.compared.comparisons.map((comparison) => {
    const { dir, baselineDir } = comparison;
    const [model, baseline] = [`${comparison.model} · ${dir}`, `${comparison.baseline} · ${baselineDir}`];
    const label = comparison.model === comparison.baseline ? model : `${model} – ${baseline}`;
    return { ...comparison, section: nameOf(comparison), label, model, baseline };
  });
}
