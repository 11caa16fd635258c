import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import { meanOf } from "#src/evaluation/statistics/mean.ts";
import { mostFrequent, passAllK, passAtK } from "#src/evaluation/statistics/repeated-samples.ts";

/**
 * The score of an item from those of its samples: `mean`, `best`, `majority` (the score of the most frequent answer), `pass@K`
 * (the probability that at least one of K samples is right) or `pass^K` (that all are). Samples without a score are left out; an item
 * none of whose samples has one has none.
 */
export function reduceScores(scores: readonly Score[], reduction: string): Score {
  const values = scores.flatMap((score) => (score.status === "scored" ? [score] : []));
  if (values.length === 0)
    return scores.find(({ status }) => status === "error") ?? scores[0] ?? unparseable("no answer");
  if (reduction === "best") return scored(Math.max(...values.map(({ value }) => value)));
  if (reduction === "majority") return reduceByMajority(values);
  const pass = /^pass([@^])(\d+)$/.exec(reduction);
  if (!pass)
    return scored(meanOf(values.map(({ value }) => value)), values.length === 1 ? values[0]?.answer : undefined);
  const k = Number(pass[2]);
  if (values.length < k)
    return scoringError(`${reduction} needs ${k} scored samples, and the item has ${values.length}`);
  const right = values.filter(({ value }) => value === 1).length;
  return scored((pass[1] === "@" ? passAtK : passAllK)(values.length, right, k));
}

function reduceByMajority(values: readonly (Score & { readonly status: "scored" })[]): Score {
  const withAnswer = values.filter(({ answer }) => answer !== undefined);
  if (withAnswer.length < values.length)
    return scoringError("the scorer reads no answers out of the texts, so that there is no majority");
  const answer = mostFrequent(withAnswer.map((score) => score.answer));
  const chosen = withAnswer.find((score) => score.answer === answer);
  return chosen === undefined ? unparseable("no answer") : scored(chosen.value, answer);
}
