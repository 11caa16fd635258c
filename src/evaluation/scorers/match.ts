import { z } from "zod";
import { normalizeAnswerText } from "#src/evaluation/extract/normalize.ts";
import { defineScorer, scoreBest } from "./define-scorer.ts";
import { includesWord } from "./includes.ts";

export const match = defineScorer({
  type: "match",
  summary:
    "The answer begins or ends with a target, as Inspect's match; white space and punctuation around it do not count.",
  range: "binary",
  extracts: true,
  options: {
    location: z.enum(["end", "begin", "any"]).default("end").describe("where the target must be"),
    ignoreCase: z.boolean().default(true).describe("ignore the case of letters"),
  },
  create({ location, ignoreCase }) {
    const normalize = (text: string) => {
      const trimmed = normalizeAnswerText(text).replace(
        /^[\p{P}\p{S}\s]+(?=[\p{L}\p{N}])|(?<=[\p{L}\p{N}])[\p{P}\p{S}\s]+$/gu,
        "",
      );
      return ignoreCase ? trimmed.toLowerCase() : trimmed;
    };
    const matches = MATCHES[location];
    return (text, { targets }) => {
      const answer = normalize(text);
      return scoreBest(targets, answer, (target) => (matches(answer, normalize(target)) ? 1 : 0));
    };
  },
});

/** "15" does not end with "5". */
const MATCHES: Readonly<Record<"begin" | "end" | "any", (answer: string, target: string) => boolean>> = {
  begin: (answer, target) => answer.startsWith(target) && includesWord(answer.slice(0, target.length + 1), target),
  end: (answer, target) => answer.endsWith(target) && includesWord(answer.slice(-target.length - 1), target),
  any: includesWord,
};
