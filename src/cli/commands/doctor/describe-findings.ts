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
const MAX_NOTES = 6;
/** With the summary, the line about the rest, and the prompt, the report fits on a screen of 24 lines. */
const MAX_LINES = 19;

/**
 * A summary, then one line per finding, the worst first, with its hint below. Without
 * `all`, equal findings of several areas are one, and details, further notes, and what does not fit on a screen are left out, and counted at the end. Pure.
 */
export function describeFindings(findings: readonly DoctorFinding[], all: boolean): string {
  const sorted = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
  const notes = sorted.filter(({ level, isDetail }) => level === "note" && !isDetail);
  const isWanted = (finding: DoctorFinding) =>
    all || (!finding.isDetail && (finding.level !== "note" || notes.indexOf(finding) < MAX_NOTES));
  const groups = Map.groupBy(sorted.filter(isWanted), ({ level, message, hint = "" }, index) =>
    all ? index : `${level} ${message} ${hint}`,
  );
  const shown: (readonly DoctorFinding[])[] = [];
  let room = all ? Number.POSITIVE_INFINITY : MAX_LINES;
  for (const group of groups.values()) {
    room -= 1 + (group[0]?.hint?.split("\n").length ?? 0);
    if (room < 0) break;
    shown.push(group);
  }
  const width = Math.max(...shown.map((group) => describeAreas(group).length));
  const lines = shown.map((group) => formatGroup(group, width));
  const left = sorted.filter((finding) => !shown.some((group) => group.includes(finding)));
  return `${summarize(findings)}\n\n${lines.join("")}${describeRest(left)}`;
}

/** "minimax", "minimax, zhipu", "minimax, zhipu, +18" */
function describeAreas(group: readonly DoctorFinding[]): string {
  const areas = [...new Set(group.map(({ area }) => area))];
  return [...areas.slice(0, 2), ...(areas.length > 2 ? [`+${areas.length - 2}`] : [])].join(", ");
}

function formatGroup(group: readonly DoctorFinding[], width: number): string {
  const [{ level, message, hint } = { level: "ok" as const, message: "", hint: undefined }] = group;
  const head = `${LEVEL_LABELS[level].padEnd(7)}  ${describeAreas(group).padEnd(width)}  `;
  const hints = hint === undefined ? [] : hint.split("\n");
  return [`${head}${message}`, ...hints.map((part) => " ".repeat(head.length) + part), ""].join("\n");
}

function describeRest(left: readonly DoctorFinding[]): string {
  if (left.length === 0) return "";
  const problems = left.filter(({ level }) => level === "problem" || level === "warning").length;
  const others = left.length - problems;
  const parts = [
    problems > 0 ? formatMany(problems, "more problem or warning", "more problems and warnings") : [],
    others > 0 ? `${formatMany(others, "more check")} without problems` : [],
  ].flat();
  return `${parts.join(", ")}: ${SUGGESTED_COMMANDS.doctorAll()}\n`;
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
