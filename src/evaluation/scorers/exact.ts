import { z } from "zod";
import { normalizeAnswerText, simplifyText } from "#src/evaluation/extract/normalize.ts";
import { defineScorer, scoreBest } from "./define-scorer.ts";

export const exact = defineScorer({
  type: "exact",
  summary: "The answer equals a target.",
  range: "binary",
  extracts: true,
  options: {
    ignoreCase: z.boolean().default(false).describe("ignore the case of letters"),
    simplify: z.boolean().default(false).describe("ignore case, punctuation, and the articles a, an, and the"),
  },
  create({ ignoreCase, simplify }) {
    const lowerCase = (text: string) => normalizeAnswerText(text).toLowerCase();
    const normalize = simplify ? simplifyText : ignoreCase ? lowerCase : normalizeAnswerText;
    return (text, { targets }) => {
      const answer = normalize(text);
      return scoreBest(targets, answer, (target) => (normalize(target) === answer ? 1 : 0));
    };
  },
});
