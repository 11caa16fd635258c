// Benchmark "eval-scoring": records per second that scorers read and score in one thread.
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { formatMarkdownTable, formatSpread } from "./table.ts";

export interface EvalScoringOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface ScorerSpeed {
  readonly scorer: string;
  readonly text: string;
  /** Records per second, one value per round. */
  readonly rates: readonly number[];
}

export interface EvalScoringResult {
  readonly records: number;
  readonly speeds: readonly ScorerSpeed[];
}

/** The documented target for exact and numeric. */
const REQUIRED_RATE = 50_000;

/** Worked solutions of about 300 characters, as models write them for word problems, and short answers. */
const TEXTS: Readonly<Record<string, (n: number) => string>> = {
  short: (n) => `The answer is ${n}.`,
  solution: (n) =>
    `Let's solve this step by step.\n\n1. She has ${n} eggs and uses 3 for breakfast, so ${n} - 3 = ${n - 3} are left.\n` +
    `2. She bakes muffins with 4 of them, so ${n - 3} - 4 = ${n - 7} are left to sell.\n` +
    `3. Each egg sells for $2, so she makes ${n - 7} * 2 = **$${2 * (n - 7)}** every day.\n\n#### ${2 * (n - 7)}`,
  chinese: (n) => `小明有${n}个苹果，给了小红3个，还剩${n}-3=${n - 3}个。\n答：还剩${n - 3}个苹果。`,
  choice: (n) =>
    `Let's look at the options. A is wrong because it is too small.\n\nThe correct answer is (${"ABCD"[n % 4]}).`,
};
const MEASURED: readonly (readonly [scorer: string, text: string])[] = [
  ["exact", "solution"],
  ["numeric", "short"],
  ["numeric", "solution"],
  ["numeric", "chinese"],
  ["choice", "choice"],
  ["math", "solution"],
  ["f1", "solution"],
];

export async function benchEvalScoring({ quick, log }: EvalScoringOptions): Promise<EvalScoringResult> {
  const records = quick ? 10_000 : 100_000;
  const rounds = quick ? 3 : 7;
  await using registry = createScorerRegistry();
  const speeds: ScorerSpeed[] = [];
  for (const [name, text] of MEASURED) {
    const { scorer } = registry.create(name, name, {});
    if (!scorer) throw new Error(`no scorer ${name}`);
    const write = TEXTS[text];
    const samples = Array.from({ length: records }, (_, i) =>
      createSample(write?.(i + 10) ?? "", name === "choice" ? "B" : String(i)),
    );
    const rates: number[] = [];
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const start = process.cpuUsage();
      for (const sample of samples) void scorer.score(sample);
      const { user, system } = process.cpuUsage(start);
      if (round > 0) rates.push((records / (user + system)) * 1e6);
    }
    log(`${name}, ${text}: ${formatSpread(rates)} records per CPU second`);
    speeds.push({ scorer: name, text, rates });
  }
  return { records, speeds };
}

function createSample(text: string, target: string): AnsweredSample {
  const place = { item: "1", dataset: "d", model: "m", prompt: "p", number: 1, cluster: "1", groups: {}, fields: {} };
  return { ...place, targets: [target], output: { status: "answered", text, finishReason: "stop" } };
}

export function describeEvalScoring({ records, speeds }: EvalScoringResult): string {
  const lines = speeds.map(({ scorer, text, rates }) => [`${scorer}, ${text}`, formatSpread(rates)]);
  const title = `### Scoring\n\n${records.toLocaleString("en-US")} answers, one thread: median (minimum-maximum).`;
  return `${title}\n\n${formatMarkdownTable(["scorer, answers", "records per CPU second"], lines)}`;
}

export function assertScoringFast({ speeds }: EvalScoringResult): void {
  for (const { scorer, text, rates } of speeds) {
    const best = Math.max(...rates);
    if ((scorer === "exact" || scorer === "numeric") && best < REQUIRED_RATE)
      throw new Error(`${scorer} scores ${Math.round(best)} ${text} answers per second, fewer than ${REQUIRED_RATE}`);
  }
}
