import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import type { CallAnswer, JudgeReport } from "#src/evaluation/scorer-call.ts";
import { krippendorffAlpha, type RatingScale } from "#src/evaluation/statistics/agreement.ts";
import { meanOf } from "#src/evaluation/statistics/mean.ts";

/** The judgement of one judge about a sample. */
export type Judgement =
  | {
      readonly status: "judged";
      readonly value: number;
      readonly explanation: string;
      readonly order?: "first" | "second";
    }
  | { readonly status: "unparseable" | "refused" | "failed"; readonly explanation: string };

/** The judgement that the answer to a call contains. */
export function toJudgement(answer: CallAnswer, read: (text: string) => number | undefined): Judgement {
  if (answer.status === "embedded") return { status: "failed", explanation: "the answer is a vector" };
  if (answer.status !== "answered") return { status: answer.status, explanation: answer.reason };
  const value = read(answer.text);
  const explanation = shorten(answer.text);
  return value === undefined ? { status: "unparseable", explanation } : { status: "judged", value, explanation };
}

/** The end of a judge's answer, which has its verdict. */
function shorten(text: string): string {
  return text.length <= 500 ? text : `…${text.slice(-500)}`;
}

export interface JudgePanelOptions {
  /** "provider/model" of each judge. */
  readonly judges: readonly string[];
  readonly combine: "mean" | "majority";
  readonly scale: RatingScale;
  readonly isPairwise: boolean;
}

/** Combines the judgements about each sample, and counts how they ended. */
export class JudgePanel {
  readonly #options: JudgePanelOptions;
  readonly #counts: { verdicts: number; unparseable: number; refused: number; failed: number }[];
  readonly #units: number[][] = [];
  readonly #positions = { pairs: 0, first: 0, second: 0 };

  constructor(options: JudgePanelOptions) {
    this.#options = options;
    this.#counts = options.judges.map(() => ({ verdicts: 0, unparseable: 0, refused: 0, failed: 0 }));
  }

  /** The score from the judgements of all judges, in their order. More than half of them must have a verdict. */
  combine(judgements: readonly Judgement[]): Score {
    const { judges, combine } = this.#options;
    const verdicts = judgements.flatMap((judgement) => (judgement.status === "judged" ? [judgement] : []));
    this.#count(judgements);
    const explanation = judgements
      .map((judgement, i) => (judges.length === 1 ? judgement.explanation : `${judges[i]}: ${judgement.explanation}`))
      .join("\n");
    if (verdicts.length * 2 <= judges.length) {
      const broken = judgements.find(({ status }) => status === "refused" || status === "failed");
      return broken === undefined
        ? unparseable(`no verdict could be read: ${explanation}`)
        : scoringError(`the judge ${broken.status === "refused" ? "refused" : "failed"}: ${broken.explanation}`);
    }
    const values = verdicts.map(({ value }) => value);
    const value = combine === "mean" ? meanOf(values) : findMajority(values);
    return value === undefined
      ? unparseable(`the judges have no majority: ${explanation}`)
      : scored(value, undefined, explanation);
  }

  report(): JudgeReport {
    const { judges, scale, isPairwise } = this.#options;
    const counts = judges.map((model, i) => ({
      model,
      verdicts: 0,
      unparseable: 0,
      refused: 0,
      failed: 0,
      ...this.#counts[i],
    }));
    const alpha = krippendorffAlpha(this.#units, scale);
    const agreement = judges.length > 1 ? { agreement: Number.isNaN(alpha) ? null : alpha } : {};
    return Object.assign({ judges: counts }, agreement, isPairwise ? { positions: { ...this.#positions } } : {});
  }

  #count(judgements: readonly Judgement[]): void {
    for (const [i, judgement] of judgements.entries()) {
      const counts = this.#counts[i];
      if (counts) counts[judgement.status === "judged" ? "verdicts" : judgement.status] += 1;
      if (judgement.status !== "judged") continue;
      this.#positions.pairs += 1;
      if (judgement.order !== undefined) this.#positions[judgement.order] += 1;
    }
    if (judgements.length > 1)
      this.#units.push(judgements.flatMap((judgement) => (judgement.status === "judged" ? [judgement.value] : [])));
  }
}

/** The value of more than half; undefined if there is none. */
function findMajority(values: readonly number[]): number | undefined {
  return values.find((value) => values.filter((other) => other === value).length * 2 > values.length);
}
