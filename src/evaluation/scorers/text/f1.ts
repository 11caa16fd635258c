import { simplifyText } from "#src/evaluation/extract/normalize.ts";
import { splitAtSpaces } from "#src/evaluation/extract/words.ts";
import { defineScorer, scoreBest } from "#src/evaluation/scorers/define-scorer.ts";
import { countNgrams, countShared, fMeasure } from "./ngrams.ts";

export const f1 = defineScorer({
  type: "f1",
  summary: "Words shared with a target (F1, as in SQuAD): without case, punctuation, and articles.",
  range: "fraction",
  extracts: true,
  options: {},
  create() {
    return (text, { targets }) => {
      const answer = splitAtSpaces(simplifyText(text));
      const counts = countNgrams(answer, 1);
      return scoreBest(targets, answer.join(" "), (target) => {
        const wanted = splitAtSpaces(simplifyText(target));
        // As in SQuAD 2: an empty target means that nothing should be answered.
        if (wanted.length === 0 || answer.length === 0) return wanted.length === answer.length ? 1 : 0;
        const shared = countShared(counts, countNgrams(wanted, 1));
        return fMeasure(shared / answer.length, shared / wanted.length);
      });
    };
  },
});
