import { join } from "node:path";
import type { RunManifest } from "../../producer/run/run-manifest.ts";
import { formatDuration } from "../format/format-duration.ts";
import {
  formatCount,
  formatMany,
  formatMoney,
  formatPercent,
  formatShortCount,
} from "../format/format-number.ts";
import { sanitize } from "../format/sanitize.ts";
import type { RunEnd } from "./run-reporter.ts";

/** The last words about a run: what came of it, what it took and where it is, or why it stopped and what to do. */
export function describeEnd(end: RunEnd): string[] {
  const lines =
    end.outcome === "finished"
      ? describeReport(end.report, end.output)
      : [`stopped: ${end.message}`, ...(end.mend === undefined ? [] : [`  ${end.mend}`])];
  return lines.map((line) => (line.startsWith("  ") ? `  ${sanitize(line.slice(2))}` : sanitize(line)));
}

function describeReport(report: RunManifest, output: string): string[] {
  const { items, calls, failuresByKind, cost } = report;
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const lines = [
    `${formatCount(items.succeeded)} of ${formatMany(items.total, "item")} succeeded in ${formatDuration(report.activeMs)}`,
  ];
  if (items.failed > 0) lines.push(`  ${formatCount(items.failed)} failed: ${kinds.join(", ")}`);
  lines.push(
    `  ${[
      formatMany(calls.made, "call"),
      ...(report.batchFill === undefined ? [] : [`${formatPercent(report.batchFill)} full`]),
      `${formatCount(calls.throttled)} throttled`,
      `${formatCount(calls.paidTwice)} paid twice`,
      `${formatShortCount(report.tokens)} tokens`,
      ...(cost === undefined ? [] : [formatMoney(cost.amount, cost.currency)]),
    ].join(", ")}`,
  );
  for (const file of report.output.files) lines.push(`  ${join(output, file)}`);
  return lines;
}
