import { createReadStream, existsSync } from "node:fs";
import { z } from "zod";
import { storedScoresSchema } from "#src/evaluation/results/stored-evaluation.ts";
import type { Score } from "#src/evaluation/score.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";

/** How scores differ from those of the last scoring. */
export interface ScoreChanges {
  /** Samples with another score of a scorer that there was before. */
  readonly changed: number;
  /** The first changes. */
  readonly first: readonly ScoreChange[];
  /** Scorers that there were not before. */
  readonly added: readonly string[];
}

export interface ScoreChange {
  /** Of the sample. */
  readonly id: string;
  readonly scorer: string;
  /** A value, "unparseable", "error", or "no answer". */
  readonly before: number | string;
  readonly after: number | string;
}

const KEPT_CHANGES = 20;

const previousSampleSchema = z.object({ scores: storedScoresSchema.optional() });
type PreviousSample = z.infer<typeof previousSampleSchema>;

/** Compares scores with those in the `samples.jsonl` of the last scoring, which has the same samples in the same order. */
export class PreviousScores {
  readonly #samples: AsyncGenerator<PreviousSample | undefined>;
  readonly #first: ScoreChange[] = [];
  readonly #added = new Set<string>();
  #changed = 0;

  private constructor(path: string) {
    this.#samples = readSamples(path);
  }

  /** Undefined if there was no scoring. */
  static open(path: string): PreviousScores | undefined {
    return existsSync(path) ? new PreviousScores(path) : undefined;
  }

  async compare(id: string, scores: ReadonlyMap<string, Score> | undefined): Promise<void> {
    const { value: previous } = await this.#samples.next();
    if (!previous) return;
    const changes = [...(scores ?? []), ...findLost(previous, scores)].flatMap(([scorer, score]): ScoreChange[] => {
      const before = previous.scores?.[scorer];
      if (previous.scores !== undefined && before === undefined) {
        this.#added.add(scorer);
        return [];
      }
      const change = { id, scorer, before: describeScore(before), after: describeScore(score) };
      return change.before === change.after ? [] : [change];
    });
    if (changes.length > 0) this.#changed += 1;
    this.#first.push(...changes.slice(0, KEPT_CHANGES - this.#first.length));
  }

  changes(): ScoreChanges {
    return { changed: this.#changed, first: this.#first, added: [...this.#added] };
  }

  async close(): Promise<void> {
    await this.#samples.return(undefined);
  }
}

/** The scorers of an answer that the sample does not have any more. */
function findLost({ scores = {} }: PreviousSample, now: ReadonlyMap<string, Score> | undefined): [string, undefined][] {
  return now === undefined ? Object.keys(scores).map((scorer) => [scorer, undefined]) : [];
}

function describeScore(score: { readonly status: string; readonly value?: number | undefined } | undefined) {
  return score === undefined ? "no answer" : (score.value ?? score.status);
}

/** One entry per line; undefined for a damaged one. */
async function* readSamples(path: string): AsyncGenerator<PreviousSample | undefined> {
  for await (const lines of readLines(createReadStream(path))) for (const line of lines) yield parseSample(line);
}

function parseSample(line: Line): PreviousSample | undefined {
  const parsed = parseJsonLine(line);
  if (parsed === undefined || "error" in parsed) return undefined;
  return previousSampleSchema.safeParse(parsed.value).data;
}
