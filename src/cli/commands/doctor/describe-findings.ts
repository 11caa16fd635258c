import { formatMany } from "#src/cli/format/format-number.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** `ok`: as it should be. `note`: for information. `warning`: a promise is weaker. `problem`: something will not work. */
export interface DoctorFinding {
  readonly area: string;
  readonly level: "ok" | "note" | "warning" | "problem";
  readonly message: string;
  readonly hint?: string;
  /** Shown only with --all, and in JSON. */
  readonly isDetail?: boolean;
}

const LEVELS = ["problem", "warning", "note", "ok"] as const;
const LEVEL_LABELS = { ok: "ok", note: "note", warning: "WARNING", problem: "PROBLEM" } as const;
/** With the summary, the lines without problems, and a few hints, the report fits on a screen of 24 lines. */
const MAX_NOTES = 6;

/**
 * A summary, then one line per finding, the worst first, with its hint below. Without `all`, details and further notes are
 * left out, and counted at the end. Pure.
 */
export function describeFindings(findings: readonly DoctorFinding[], all: boolean): string {
  const sorted = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
  const notes = sorted.filter(({ level, isDetail }) => level === "note" && !isDetail);
  const isShown = (finding: DoctorFinding) =>
    all || (!finding.isDetail && (finding.level !== "note" || notes.indexOf(finding) < MAX_NOTES));
  const shown = sorted.filter(isShown);
  const width = Math.max(...shown.map(({ area }) => area.length));
  const lines = shown.map(({ area, level, message, hint }) => {
    const head = `${LEVEL_LABELS[level].padEnd(7)}  ${area.padEnd(width)}  `;
    const hints = hint === undefined ? [] : hint.split("\n");
    return [`${head}${message}`, ...hints.map((part) => " ".repeat(head.length) + part), ""].join("\n");
  });
  const left = sorted.length - shown.length;
  const end =
    left === 0 ? "" : `${formatMany(left, "more check")} without problems: ${SUGGESTED_COMMANDS.doctorAll()}\n`;
  return `${summarize(findings)}\n\n${lines.join("")}${end}`;
}

/** "2 problems and 1 warning", "Everything works." */
function summarize(findings: readonly DoctorFinding[]): string {
  const count = (level: DoctorFinding["level"]) => findings.filter((finding) => finding.level === level).length;
  const counts = [
    count("problem") > 0 ? formatMany(count("problem"), "problem") : [],
    count("warning") > 0 ? formatMany(count("warning"), "warning") : [],
  ].flat();
  return counts.length === 0 ? "No problems found." : `${counts.join(" and ")}:`;
}
