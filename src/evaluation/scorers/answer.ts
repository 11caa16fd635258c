import { z } from "zod";
import { normalizeAnswerText, simplifyText } from "#src/evaluation/extract/normalize.ts";
import { extractAnswer } from "#src/evaluation/extract/text-extractors.ts";
import { unparseable } from "#src/evaluation/score.ts";
import { defineScorer, scoreBest } from "./define-scorer.ts";

export const answer = defineScorer({
  type: "answer",
  summary: "The marked answer (after “Answer:”, “The answer is”, “答案：”, `####`, or in `\\boxed`) equals a target.",
  range: "binary",
  options: {
    ignoreCase: z.boolean().default(true).describe("ignore the case of letters"),
    simplify: z.boolean().default(false).describe("ignore case, punctuation, and the articles a, an, and the"),
  },
  create({ ignoreCase, simplify }) {
    const normalize = (text: string) => {
      if (simplify) return simplifyText(text);
      return ignoreCase ? normalizeAnswerText(text).toLowerCase() : normalizeAnswerText(text);
    };
    return (text, { targets }) => {
      const found = extractAnswer(text);
      if (found === undefined || found === "") return unparseable("the text marks no answer");
      const normalized = normalize(found);
      return scoreBest(targets, normalizeAnswerText(found), (target) => (normalize(target) === normalized ? 1 : 0));
    };
  },
});
