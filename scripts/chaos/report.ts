import { formatMarkdownTable } from "../bench/table.ts";
import type { RoundResult } from "./round.ts";

const HEAD = [
  "fault",
  "injected",
  "items",
  "lost",
  "duplicated",
  "wrong",
  "paid twice: reported / counted",
  "seconds",
  "verdict",
];

/** The head of the Markdown table, which gets a line per round. */
export function formatHead(): string {
  return formatMarkdownTable(HEAD, []);
}

export function formatResult({ fault, kind, method, injected, counts, durationMs, violations }: RoundResult): string {
  const cells = [
    `${fault}, ${kind}${method === undefined ? "" : ` (${method})`}`,
    String(injected),
    ...(counts
      ? [counts.items, counts.lost, counts.duplicated, counts.wrong, formatPaidTwice(counts.paidTwice)].map(String)
      : ["-", "-", "-", "-", "-"]),
    (durationMs / 1_000).toFixed(0),
    violations.length === 0 ? "held" : "violated",
  ];
  return `| ${cells.join(" | ")} |`;
}

/** "3 / 3", "≥ 3 / 5-6"; client items have no report. */
function formatPaidTwice({ reported, least, most }: NonNullable<RoundResult["counts"]>["paidTwice"]): string {
  const counted = least === most ? String(least) : `${least}-${most}`;
  if (!reported) return `- / ${counted}`;
  return `${reported.isLowerBound ? "≥ " : ""}${reported.paidTwice} / ${counted}`;
}
