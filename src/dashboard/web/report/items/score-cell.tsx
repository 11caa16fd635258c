import type { Cell, Outcome } from "#src/dashboard/web/report/report-rows.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { formatScore } from "#src/evaluation/results/format-score.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";

const SYMBOLS: Readonly<Record<Exclude<Outcome, "scored">, string>> = {
  unparseable: "?",
  error: "!",
  refused: "⊘",
  failed: "∅",
  missing: "·",
};

/** A score as a small box: a symbol or a number, and a tone. */
export function ScoreCell({ cell, range, label }: { cell: Cell; range: ScoreRange; label: string }) {
  const meaning = describeCell(cell, range);
  return (
    <span class={`score-cell ${toneOf(cell, range)}`} title={`${label}: ${meaning}`}>
      <span aria-hidden="true">{symbolOf(cell, range)}</span>
      <span class="visually-hidden">{`${label}: ${meaning}`}</span>
    </span>
  );
}

export function describeCell({ outcome, value }: Cell, range: ScoreRange): string {
  return outcome === "scored" ? formatScore(value, range) : texts.value.outcomes[outcome];
}

function symbolOf({ outcome, value }: Cell, range: ScoreRange): string {
  if (outcome !== "scored") return SYMBOLS[outcome];
  if (range === "binary" && (value === 0 || value === 1)) return value === 1 ? "✓" : "✗";
  return range === "number" ? String(Number(value.toPrecision(3))) : value.toFixed(2);
}

function toneOf({ outcome, value }: Cell, range: ScoreRange): string {
  if (outcome !== "scored") return outcome === "missing" ? "none" : "unscored";
  if (range === "number") return "plain";
  return value >= 0.999 ? "high" : value >= 0.5 ? "middle" : "low";
}

/** What the symbols mean. */
export function ScoreLegend() {
  const t = texts.value;
  const entries = [
    [{ outcome: "scored", value: 1 }, t.right],
    [{ outcome: "scored", value: 0 }, t.wrong],
    ...(["unparseable", "refused", "failed", "error"] as const).map(
      (outcome) => [{ outcome, value: Number.NaN }, describeCell({ outcome, value: Number.NaN }, "binary")] as const,
    ),
  ] as const;
  return (
    <ul class="score-legend">
      {entries.map(([cell, text]) => (
        <li key={text}>
          <span class={`score-cell ${toneOf(cell, "binary")}`} aria-hidden="true">
            {symbolOf(cell, "binary")}
          </span>
          {text}
        </li>
      ))}
    </ul>
  );
}
