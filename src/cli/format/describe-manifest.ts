import { describeCanaries, LOWER_BOUND_REASON } from "#src/cli/progress/describe-run-end.ts";
import { describeSavings } from "#src/cli/progress/describe-savings.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import { formatKnownCost, formatModelCost } from "./format-cost.ts";
import { formatDuration } from "./format-duration.ts";
import { formatBytes, formatCount, formatMany, formatMoney, formatPercent } from "./format-number.ts";
import { sanitize } from "./sanitize.ts";

/** Everything in `run.json`, as aligned lines. */
export function describeManifest(run: RunManifest, dir: string): string {
  const { items, calls, source, output } = run;
  const atLeast = calls.isLowerBound ? "at least " : "";
  const lines: (readonly [name: string, value: string | undefined])[] = [
    ["run", run.run],
    ["state", run.state],
    ["model", isBatch(run) ? run.model : `${run.model} (${run.type})`],
    ["requests", isBatch(run) ? run.endpoint : undefined],
    ["folder", dir],
    ["output", output.files.length > 0 ? output.files.join(", ") : `${output.format}, not written yet`],
    [
      "source",
      `${source.paths.map(sanitize).join(" ")} (${formatMany(source.files, "file")}, ${formatBytes(source.bytes)})`,
    ],
    ["source sha256", source.sha256],
    ["skipped", describeSkipped(source.skippedInvalid)],
    [
      "items",
      `${formatCount(items.total)}: ${formatCount(items.succeeded)} succeeded, ${formatCount(items.failed)} failed, ${formatCount(items.missing)} missing`,
    ],
    ...Object.entries(run.failuresByKind).map(([kind, count]) => [`  ${kind}`, formatCount(count)] as const),
    ["refusals", run.refusals === undefined ? undefined : formatCount(run.refusals)],
    ["empty answers", run.emptyAnswers === undefined ? undefined : formatCount(run.emptyAnswers)],
    ["tokens", formatCount(run.tokens)],
    [
      "calls",
      `${atLeast}${formatCount(calls.made)}: ${formatCount(calls.answered)} answered, ${formatCount(calls.failed)} failed (${formatCount(calls.throttled)} throttled), ${atLeast}${formatCount(calls.paidTwice)} paid twice${calls.hung ? ` (${formatCount(calls.hung)} hung)` : ""}`,
    ],
    ["", calls.isLowerBound ? LOWER_BOUND_REASON : undefined],
    ["canaries", run.canaries && describeCanaries(run.canaries)],
    ["batch fill", formatPercent(run.batchFill)],
    ["reused", run.reused && describeSavings(run.reused)],
    ["snoozes", formatCount(run.snoozes)],
    ...(run.parkedLanes ?? []).map(({ lane, reason }) => ["parked", `${lane}: ${sanitize(reason ?? "")}`] as const),
    ["cost", run.cost ? formatMoney(run.cost.amount, run.cost.currency) : formatKnownCost(run.costs)],
    ...(run.costs ?? []).map((each) => [`  ${each.model}`, formatModelCost(each)] as const),
    ["created", run.createdAt],
    ["finished", run.finishedAt ?? "-"],
    ["active time", formatDuration(run.activeMs)],
  ];
  const shown = lines.filter(([, value]) => value !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return `${shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}

/** "3 problems (--skip-invalid)"; undefined if nothing was skipped. */
export function describeSkipped(problems: number): string | undefined {
  return problems > 0 ? `${formatMany(problems, "problem")} (--skip-invalid)` : undefined;
}
