import { hash } from "node:crypto";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import {
  type ReportAnswer,
  type ReportRow,
  type ReportSample,
  reportSampleSchema,
} from "#src/evaluation/report/report-data.ts";
import { readStoredSamples } from "#src/producer/run-kinds/evaluation/read-evaluation.ts";
import type { QuestionReader } from "./read-questions.ts";

/** Longer texts are cut in the middle. */
const MAX_ANSWER_CHARS = 20_000;
const MAX_QUESTION_CHARS = 4_000;
const MAX_EXPLANATION_CHARS = 2_000;

/** The samples of a row. */
export interface StoredReportRow {
  /** The same in all evaluations that have this row. */
  readonly key: number;
  readonly samples: readonly [ReportSample, ...ReportSample[]];
  /** Of its lines in `samples.jsonl`. */
  readonly chars: number;
}

/** Yields the samples of each row of the evaluation in `dir` together and in order; those of a row are adjacent. */
export async function* readReportRows(dir: string): AsyncGenerator<StoredReportRow> {
  let pending: [ReportSample, ...ReportSample[]] | undefined;
  let chars = 0;
  for await (const block of readStoredSamples(dir, reportSampleSchema)) {
    for (const { value, chars: ownChars } of block) {
      if (pending && pending[0].item === value.item && pending[0].dataset === value.dataset) {
        pending.push(value);
        chars += ownChars;
        continue;
      }
      if (pending) yield { key: hashKey(pending[0]), samples: pending, chars };
      pending = [value];
      chars = ownChars;
    }
  }
  if (pending) yield { key: hashKey(pending[0]), samples: pending, chars };
}

/** The row as a report contains it; long texts are cut. */
export function toReportRow(
  { samples }: StoredReportRow,
  evaluation: number,
  questions: QuestionReader | undefined,
): ReportRow {
  const [{ dataset, item, targets, groups }] = samples;
  return {
    ...{ evaluation, dataset, item, targets, groups },
    questions: questions === undefined ? {} : findQuestions(samples, questions),
    answers: samples.map(toAnswer),
  };
}

function findQuestions(samples: readonly ReportSample[], questions: QuestionReader): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { id, prompt } of samples) {
    if (Object.hasOwn(found, prompt)) continue;
    const question = questions.find(id);
    if (question !== undefined) found[prompt] = cutMiddle(question, MAX_QUESTION_CHARS);
  }
  return found;
}

function toAnswer(sample: ReportSample): ReportAnswer {
  const { id: _, item: __, dataset: ___, cluster: ____, groups: _____, targets: ______, ...answer } = sample;
  const scores = Object.entries(answer.scores ?? {}).map(([scorer, score]) => {
    const explanation = score.explanation && cutMiddle(score.explanation, MAX_EXPLANATION_CHARS);
    return [scorer, explanation === undefined ? score : { ...score, explanation }] as const;
  });
  return omitUndefined({
    ...answer,
    text: answer.text && cutMiddle(answer.text, MAX_ANSWER_CHARS),
    scores: answer.scores && Object.fromEntries(scores),
  });
}

function cutMiddle(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max / 2)}\n[… ${text.length - max} …]\n${text.slice(-max / 2)}`;
}

/** 48 bits of a hash: two rows with the same key would only be chosen together. */
function hashKey({ dataset, item }: ReportSample): number {
  return hash("sha256", JSON.stringify([dataset, item]), "buffer").readUIntBE(0, 6);
}
