import { join } from "node:path";
import { formatKnownCost, formatModelCost } from "#src/cli/format/format-cost.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import {
  formatCount,
  formatMany,
  formatMoney,
  formatPercent,
  formatShortCount,
} from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { describeReason } from "./describe-event.ts";
import { describeSavings } from "./describe-savings.ts";
import type { RunEnd } from "./run-reporter.ts";

/**
 * The last lines about a run: its result, its cost and its output files, or why it stopped and what to do next.
 * `isBrief` leaves out the statistics, because the panel shows them.
 */
export function describeRunEnd(end: RunEnd, { isBrief = false } = {}): string[] {
  const lines =
    end.outcome === "finished"
      ? describeReport(end.report, end.output, isBrief)
      : [`stopped: ${end.message}`, end.hint === undefined ? [] : `  ${end.hint}`].flat();
  return lines.map((line) => (line.startsWith("  ") ? `  ${sanitize(line.slice(2))}` : sanitize(line)));
}

function describeReport(report: RunManifest, output: string, isBrief: boolean): string[] {
  const { items } = report;
  const lines = [
    `${formatCount(items.succeeded)} of ${formatMany(items.total, "item")} succeeded in ${formatDuration(report.activeMs)}`,
  ];
  // Shown below a panel too: a refusal must not be mistaken for an answer.
  if (report.refusals !== undefined)
    lines.push(`  ${formatMany(report.refusals, "answer is a refusal", "answers are refusals")}`);
  for (const { lane, reason = "no reason given" } of report.parkedLanes ?? []) {
    lines.push(`  ${lane} is parked and made no further calls: ${describeReason(reason)}`);
  }
  if (report.emptyAnswers !== undefined) {
    const retry = SUGGESTED_COMMANDS.retryEmpty(output);
    lines.push(
      `  ${formatMany(report.emptyAnswers, "answer is empty", "answers are empty")}; "${retry}" requests them again`,
    );
  }
  if (report.suggestedChunkTokens !== undefined) {
    lines.push(
      `  ${formatMany(report.failuresByKind["too-long"] ?? 0, "item is", "items are")} too long for the model; --chunk-tokens ${report.suggestedChunkTokens} in a new run (another --out) splits them`,
    );
  }
  if (!isBrief) lines.push(...describeStats(report));
  // Shown below a panel too: records near a mismatch may have wrong vectors.
  if (report.canaries?.mismatches) lines.push(`  ${describeCanaries(report.canaries)}`);
  const { skippedInvalid } = report.source;
  // Shown below a panel too: an incomplete output must not be mistaken for a complete one.
  if (skippedInvalid > 0) {
    lines.push(`  ${formatMany(skippedInvalid, "invalid entry", "invalid entries")} skipped (--skip-invalid)`);
  }
  for (const file of report.output.files) lines.push(`  ${join(output, file)}`);
  return lines;
}

/** Why the numbers of calls in a report are lower bounds. */
export const LOWER_BOUND_REASON = "Redis lost data during this run, and counts of calls with it";

/** "12 canaries sent, 1 did not match" */
export function describeCanaries({ sent, mismatches }: NonNullable<RunManifest["canaries"]>): string {
  const outcome = mismatches === 0 ? "all matched" : `${formatCount(mismatches)} did not match`;
  return `${formatMany(sent, "canary", "canaries")} sent, ${outcome}`;
}

function describeStats({
  items,
  calls,
  failuresByKind,
  batchFill,
  tokens,
  cost,
  costs,
  reused,
  canaries,
}: RunManifest): string[] {
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const spent = [
    `${calls.isLowerBound ? "at least " : ""}${formatMany(calls.made, "call")}`,
    batchFill === undefined ? undefined : `${formatPercent(batchFill)} full`,
    calls.throttled === 0 ? undefined : `${formatCount(calls.throttled)} throttled`,
    calls.paidTwice === 0
      ? undefined
      : `${calls.isLowerBound ? "at least " : ""}${formatCount(calls.paidTwice)} duplicate`,
    calls.hung ? `${formatCount(calls.hung)} hung` : undefined,
    tokens === 1 ? "1 token" : `${formatShortCount(tokens)} tokens`,
    cost === undefined ? formatKnownCost(costs) : formatMoney(cost.amount, cost.currency),
  ].filter((part) => part !== undefined);
  return [
    items.failed > 0 ? `  ${formatCount(items.failed)} failed: ${kinds.join(", ")}` : [],
    reused ? `  ${describeSavings(reused)}` : [],
    `  ${spent.join(", ")}`,
    (costs ?? []).map((each) => `  ${each.model}: ${formatModelCost(each)}`),
    calls.isLowerBound ? `  ${LOWER_BOUND_REASON}` : [],
    canaries && canaries.mismatches === 0 ? `  ${describeCanaries(canaries)}` : [],
  ].flat(2);
}
