import { join } from "node:path";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import {
  formatCount,
  formatMany,
  formatMoney,
  formatPercent,
  formatShortCount,
} from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { describeSavings } from "./describe-savings.ts";
import type { RunEnd } from "./run-reporter.ts";

/**
 * The last words about a run: what came of it, what it took and where it is, or why it stopped and what to do.
 * `brief` leaves out the figures, for whoever has them on screen already.
 */
export function describeRunEnd(end: RunEnd, { isBrief = false } = {}): string[] {
  const lines =
    end.outcome === "finished"
      ? describeReport(end.report, end.output, isBrief)
      : [`stopped: ${end.message}`, ...(end.hint === undefined ? [] : [`  ${end.hint}`])];
  return lines.map((line) => (line.startsWith("  ") ? `  ${sanitize(line.slice(2))}` : sanitize(line)));
}

function describeReport(report: RunManifest, output: string, isBrief: boolean): string[] {
  const { items } = report;
  const lines = [
    `${formatCount(items.succeeded)} of ${formatMany(items.total, "item")} succeeded in ${formatDuration(report.activeMs)}`,
  ];
  if (!isBrief) lines.push(...describeStats(report));
  const { skippedInvalid } = report.source;
  // Said even beside a panel: output that lacks what was in the input must not pass for all of it.
  if (skippedInvalid > 0) {
    lines.push(`  ${formatMany(skippedInvalid, "problem")} of the input left out (--skip-invalid)`);
  }
  for (const file of report.output.files) lines.push(`  ${join(output, file)}`);
  return lines;
}

function describeStats({ items, calls, failuresByKind, batchFill, tokens, cost, reused }: RunManifest): string[] {
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const spent = [
    formatMany(calls.made, "call"),
    ...(batchFill === undefined ? [] : [`${formatPercent(batchFill)} full`]),
    `${formatCount(calls.throttled)} throttled`,
    `${formatCount(calls.paidTwice)} paid twice`,
    tokens === 1 ? "1 token" : `${formatShortCount(tokens)} tokens`,
    ...(cost === undefined ? [] : [formatMoney(cost.amount, cost.currency)]),
  ];
  const failed = items.failed > 0 ? [`  ${formatCount(items.failed)} failed: ${kinds.join(", ")}`] : [];
  return [...failed, ...(reused ? [`  ${describeSavings(reused)}`] : []), `  ${spent.join(", ")}`];
}
