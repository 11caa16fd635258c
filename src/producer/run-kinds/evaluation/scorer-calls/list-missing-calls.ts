import { setImmediate } from "node:timers/promises";
import { TemplateError } from "#src/evaluation/liquid-templates.ts";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import type { Scorer } from "#src/evaluation/scorer.ts";
import type { ScorerCall } from "#src/evaluation/scorer-call.ts";
import { isAnswered, toSample } from "#src/producer/run-kinds/evaluation/to-sample.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import { computeCallId } from "./call-folders.ts";
import type { StoredCalls } from "./stored-calls.ts";

const SAMPLES_PER_BLOCK = 500;

/** The calls that scorers need for a sample. A template that cannot be rendered needs none; the score says why. */
export function listScorerCalls({ calls }: Scorer, sample: AnsweredSample): readonly ScorerCall[] {
  try {
    return calls?.(sample) ?? [];
  } catch (error) {
    if (error instanceof TemplateError) return [];
    throw error;
  }
}

/** The calls that the scorers of the evaluation in `dir` need and that have no answer, by id. */
export async function listMissingCalls(
  dir: string,
  scorers: readonly Scorer[],
  answers: StoredCalls,
  signal?: AbortSignal,
): Promise<Map<string, ScorerCall>> {
  const missing = new Map<string, ScorerCall>();
  using reader = new RunReader(dir);
  for (let from = 0; ; from += SAMPLES_PER_BLOCK) {
    signal?.throwIfAborted();
    const rows = reader.read(from, SAMPLES_PER_BLOCK);
    for (const sample of rows.map((row) => toSample(row, new Map()))) {
      if (!isAnswered(sample)) continue;
      for (const call of scorers.flatMap((scorer) => listScorerCalls(scorer, sample))) {
        const id = computeCallId(call);
        if (!answers.isAnswered(id)) missing.set(id, call);
      }
    }
    if (rows.length < SAMPLES_PER_BLOCK) return missing;
    await setImmediate();
  }
}
