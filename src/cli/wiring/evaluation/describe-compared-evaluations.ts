import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatCount, formatMoney, formatPercent } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { ComparedEvaluations, EvaluationComparison } from "#src/evaluation/compare/compare-evaluations.ts";
import type { GateResult } from "#src/evaluation/compare/gate.ts";
import { formatPValue } from "#src/evaluation/results/format-score.ts";
import type { StoredEvaluation } from "#src/evaluation/results/stored-evaluation.ts";
import { describeComparison, describeModels, formatDifference, toHeading } from "./describe-results.ts";

type Evaluation = Pick<StoredEvaluation, "dir"> & Pick<StoredEvaluation["results"], "models" | "cost" | "activeMs">;

/** The comparisons as tables, one per dataset, prompt, and scorer, then calls, cost, notes, and gates. */
export function describeComparedEvaluations(
  { comparisons, notes }: ComparedEvaluations,
  evaluations: readonly Evaluation[],
  gates: readonly GateResult[],
): string {
  const sections = [...Map.groupBy(comparisons, toHeading)].map(([heading, own]) =>
    [heading, describeScores(own), ...describeGroups(own), ...own.flatMap(describeVerdict)].join("\n"),
  );
  const models = evaluations.flatMap(({ dir, models }) =>
    models.map((model) => ({ ...model, label: `${model.label} (${dir})` })),
  );
  const totals = evaluations.map(({ dir, cost, activeMs }) => {
    const amount = cost === undefined ? "an unknown amount" : formatMoney(cost.amount, cost.currency);
    return `${dir}: cost ${amount}, took ${formatDuration(activeMs)}`;
  });
  const noted = notes.map((note) => `Note: ${sanitize(note)}.`);
  return `${[
    ...sections.map((section) => `${section}\n`),
    describeModels({ models, cost: undefined }),
    ...totals,
    ...noted,
    ...gates.map((gate) => `${gate.passed ? "passed" : "FAILED"}: ${describeGate(gate)}`),
  ].join("\n")}\n`;
}

function describeScores(comparisons: readonly EvaluationComparison[]): string {
  const columns = [
    { title: "model" },
    { title: "folder" },
    { title: "baseline", align: "right" },
    { title: "score", align: "right" },
    { title: "difference", align: "right" },
    { title: "items", align: "right" },
  ] as const;
  const rows = comparisons.map((comparison) => [
    comparison.model,
    comparison.dir,
    formatScore(comparison, comparison.baselineMean),
    formatScore(comparison, comparison.mean),
    comparison.items === 0 ? "-" : formatDifference(comparison.difference, comparison.range),
    formatCount(comparison.items),
  ]);
  return formatTable(columns, rows);
}

function describeGroups(comparisons: readonly EvaluationComparison[]): string[] {
  const rows = comparisons.flatMap((comparison) =>
    comparison.groups.map((group) => [
      group.field,
      group.value,
      comparison.model,
      comparison.dir,
      formatScore(comparison, group.baselineMean),
      formatScore(comparison, group.mean),
      formatDifference(group.difference, comparison.range),
      formatPValue(group.adjustedPValue),
      formatCount(group.items),
    ]),
  );
  if (rows.length === 0) return [];
  const columns = [
    { title: "by" },
    { title: "", maxWidth: 40 },
    { title: "model" },
    { title: "folder" },
    { title: "baseline", align: "right" },
    { title: "score", align: "right" },
    { title: "difference", align: "right" },
    { title: "p", align: "right" },
    { title: "items", align: "right" },
  ] as const;
  return ["", formatTable(columns, rows), ""];
}

/** The sentence of a comparison, and the rows that it is not about. */
function describeVerdict(comparison: EvaluationComparison): string[] {
  const { dir, model, baselineDir, baseline, items, rows } = comparison;
  const counts = [
    [rows.onlyBaseline, `only in ${baselineDir}`],
    [rows.onlyCompared, `only in ${dir}`],
    [rows.common - items, "in both, but without a score in one"],
  ] as const;
  const left = counts.filter(([count]) => count > 0).map(([count, where]) => `${formatCount(count)} ${where}`);
  const names = { model: `${model} (${dir})`, baseline: `${baseline} (${baselineDir})` };
  return [
    items === 0
      ? sanitize(`${names.model} and ${names.baseline} have no row in common that both have a score for`)
      : sanitize(describeComparison({ ...comparison, ...names })),
    ...(left.length === 0 ? [] : [sanitize(`  rows that are not compared: ${left.join(", ")}`)]),
  ];
}

function formatScore({ range }: Pick<EvaluationComparison, "range">, value: number | null): string {
  if (value === null) return "-";
  return range === "number" ? value.toFixed(3) : formatPercent(value);
}

/** "accuracy >= baseline - 0.01: 0.78 against 0.79 (questions, zhipu/glm-4-plus, ./after)" */
function describeGate({ gate, comparison, threshold }: GateResult): string {
  const { dataset, prompt, model, dir, mean } = comparison;
  const where = [dataset, ...(prompt === "default" ? [] : [`prompt ${prompt}`]), model, dir].join(", ");
  const size = (value: number) => String(Number(value.toFixed(4)));
  const reason =
    mean === null || threshold === null ? "no common row has a score" : `${size(mean)} against ${size(threshold)}`;
  return sanitize(`${gate}: ${reason} (${where})`);
}

/** JUnit XML with a test case per gate and comparison. */
export function formatJunit(gates: readonly GateResult[]): string {
  const failures = gates.filter(({ passed }) => !passed).length;
  const cases = gates.map((gate) => {
    const name = escapeXml(describeGate(gate));
    const head = `    <testcase classname="gates" name="${name}"`;
    return gate.passed ? `${head}/>` : `${head}>\n      <failure message="${name}"/>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${gates.length}" failures="${failures}">`,
    `  <testsuite name="gates" tests="${gates.length}" failures="${failures}">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A summary for the page of a CI job. */
export function formatMarkdown({ comparisons, notes }: ComparedEvaluations, gates: readonly GateResult[]): string {
  const cell = (text: string) => escapeXml(sanitize(text)).replaceAll("|", "\\|");
  const rows = comparisons.map((comparison) => {
    const scores = [comparison.baselineMean, comparison.mean].map((mean) => formatScore(comparison, mean));
    const verdict = describeVerdict(comparison).map(cell).join("<br>");
    return `| ${[toHeading(comparison), comparison.model, comparison.dir].map(cell).join(" | ")} | ${scores.join(" | ")} | ${verdict} |`;
  });
  return `${[
    "## Comparison of evaluations",
    "",
    "| scores | model | folder | baseline | score | result |",
    "| --- | --- | --- | ---: | ---: | --- |",
    ...rows,
    "",
    ...gates.map((gate) => `- ${gate.passed ? "passed" : "**failed**"}: ${cell(describeGate(gate))}`),
    ...notes.map((note) => `- Note: ${cell(note)}.`),
  ].join("\n")}\n`;
}

/** A GitHub workflow command for each gate that failed. */
export function formatAnnotations(gates: readonly GateResult[]): string {
  return gates
    .filter(({ passed }) => !passed)
    .map((gate) => `::error title=Gate failed::${describeGate(gate).replaceAll("%", "%25")}\n`)
    .join("");
}
