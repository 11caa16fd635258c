import { hash } from "node:crypto";
import {
  type ReportAnswer,
  type ReportRow,
  type ReportSample,
  reportSampleSchema,
} from "#src/evaluation/report/report-data.ts";
import { readStoredSamples } from "#src/producer/run-kinds/evaluation/read-evaluation.ts";
import { QuestionReader } from "./read-questions.ts";

/** Longer texts are cut in the middle. */
const MAX_ANSWER_CHARS = 20_000;
const MAX_QUESTION_CHARS = 4_000;
const MAX_EXPLANATION_CHARS = 2_000;

export interface StoredReportRow {
  /** The same in all evaluations that have this row. */
  readonly key: number;
  readonly row: ReportRow;
  /** Of its lines in `samples.jsonl`. */
  readonly chars: number;
}

/**
 * Yields the rows of the evaluation in `dir` in order, each with all of its answers; the samples of a row are adjacent. Questions
 * are read from the run database for rows that `needsQuestions` accepts.
 */
export async function* readReportRows(
  dir: string,
  evaluation: number,
  needsQuestions: (key: number) => boolean,
): AsyncGenerator<StoredReportRow> {
  const questions = QuestionReader.open(dir);
  const finish = (samples: readonly ReportSample[], chars: number): StoredReportRow[] => {
    const [first] = samples;
    if (first === undefined) return [];
    const { dataset, item, targets, groups } = first;
    const key = hashKey(dataset, item);
    const found = needsQuestions(key) && questions !== undefined ? findQuestions(samples, questions) : {};
    const row = { evaluation, dataset, item, targets, groups, questions: found, answers: samples.map(toAnswer) };
    return [{ key, row, chars }];
  };
  try {
    let pending: ReportSample[] = [];
    let pendingChars = 0;
    for await (const block of readStoredSamples(dir, reportSampleSchema)) {
      for (const { value, chars } of block) {
        if (pending[0] !== undefined && (pending[0].item !== value.item || pending[0].dataset !== value.dataset)) {
          yield* finish(pending, pendingChars);
          pending = [];
          pendingChars = 0;
        }
        pending.push(value);
        pendingChars += chars;
      }
    }
    yield* finish(pending, pendingChars);
  } finally {
    questions?.close();
  }
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
  const { text, scores = {} } = answer;
  const cutScores = Object.entries(scores).map(([scorer, score]) => {
    const { explanation } = score;
    return [
      scorer,
      explanation === undefined ? score : { ...score, explanation: cutMiddle(explanation, MAX_EXPLANATION_CHARS) },
    ] as const;
  });
  return {
    ...answer,
    ...(text !== undefined && { text: cutMiddle(text, MAX_ANSWER_CHARS) }),
    ...(answer.scores !== undefined && { scores: Object.fromEntries(cutScores) }),
  };
}

function cutMiddle(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max / 2)}\n[… ${text.length - max} …]\n${text.slice(-max / 2)}`;
}

/** 48 bits of a hash: two rows with the same key would only be chosen together. */
function hashKey(dataset: string, item: string): number {
  return hash("sha256", JSON.stringify([dataset, item]), "buffer").readUIntBE(0, 6);
}
