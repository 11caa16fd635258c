import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { describeSkipped } from "#src/cli/format/describe-manifest.ts";
import { describeProblems } from "#src/cli/format/describe-problems.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatMany, formatMoney } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import type { CostEstimate } from "#src/producer/runs/budget/estimate-chat-run.ts";

/** The part of a `--json` dry-run event that all kinds of runs share. */
export interface DryRunEstimate {
  readonly items: number;
  readonly estimatedTokens: number;
  /** Duplicates of other items, which need no call. */
  readonly copies: number;
  /** Items that the cache has answers for. */
  readonly cached: number;
  readonly calls: number;
  /** The least time that the limits allow; undefined if none are known. */
  readonly atLeastMs: number | undefined;
  readonly cost: CostEstimate | undefined;
}

/** Lines without a value are not shown. */
export type DryRunLine = readonly [name: string, value: string | undefined];

/** Plans into a temporary folder and prints what the run would do. Needs no key and no Redis. Resolves with the exit code. */
export async function printDryRun<P extends Plan, E extends DryRunEstimate>(
  makePlan: (dir: string) => Promise<P>,
  estimate: (plan: P, dir: string) => Promise<E>,
  describe: (estimate: E, plan: P) => readonly DryRunLine[],
  isJson: boolean,
): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-dry-"));
  try {
    const plan = await makePlan(dir);
    if (!plan.isAccepted) {
      process.stderr.write(describeProblems(plan));
      return EXIT_CODES.couldNotComplete;
    }
    const estimated = await estimate(plan, dir);
    process.stdout.write(
      isJson
        ? `${JSON.stringify({ event: "dry-run", ...estimated })}\n`
        : formatLines([
            ...describe(estimated, plan),
            ["skipped", describeSkipped(plan.problemCount)],
            ...plan.notes.map((note) => ["note", sanitize(note)] as const),
          ]),
    );
    return EXIT_CODES.ok;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function formatLines(lines: readonly DryRunLine[]): string {
  const shown = lines.flatMap(([name, value]) => (value === undefined ? [] : `${name.padEnd(10)} ${value}`));
  return [...shown, "Nothing was sent.", ""].join("\n");
}

export function describeReuse({ copies, cached }: DryRunEstimate): readonly DryRunLine[] {
  return [
    ["duplicates", copies > 0 ? `${formatMany(copies, "item")}, not sent` : undefined],
    ["cached", cached > 0 ? `${formatMany(cached, "item")} answered from the cache` : undefined],
  ];
}

/** "at least 2 min at these limits, about 10 min with answers of the usual length" */
export function describeTime(atLeastMs: number | undefined, likelyMs = atLeastMs): string {
  if (!likelyMs) return "as fast as the provider answers";
  const likely = `about ${formatDuration(likelyMs)} with answers of the usual length`;
  if (!atLeastMs) return `${likely}, at these limits`;
  const least = `at least ${formatDuration(atLeastMs)} at these limits`;
  return likelyMs > atLeastMs ? `${least}, ${likely}` : least;
}

/** "about 1.20 CNY (1.02 CNY to 1.38 CNY)" */
export function describeCostEstimate(cost: CostEstimate | undefined): string {
  if (!cost) return "unknown (set a price in sluice.yaml)";
  const [low, expected, high] = [cost.low, cost.expected, cost.high].map((amount) =>
    formatMoney(amount, cost.currency),
  );
  return low === high ? `${expected}` : `about ${expected} (${low} to ${high})`;
}
