import { z } from "zod";
import { normalizeAnswerText } from "#src/evaluation/extract/normalize.ts";
import { scored } from "#src/evaluation/score.ts";
import { defineScorer, NO_TARGET } from "./define-scorer.ts";

export const includes = defineScorer({
  type: "includes",
  summary: "The answer contains a target.",
  range: "binary",
  extracts: true,
  options: {
    ignoreCase: z.boolean().default(true).describe("ignore the case of letters"),
    wholeWord: z.boolean().default(false).describe("no letter or digit may touch the target: 5 is not in 15"),
    all: z.boolean().default(false).describe("the answer must contain all targets"),
  },
  create({ ignoreCase, wholeWord, all }) {
    const normalize = (text: string) =>
      ignoreCase ? normalizeAnswerText(text).toLowerCase() : normalizeAnswerText(text);
    const contains = wholeWord ? includesWord : (text: string, part: string) => text.includes(part);
    return (text, { targets }) => {
      if (targets.length === 0) return NO_TARGET;
      const answer = normalize(text);
      const missing = targets.filter((target) => !contains(answer, normalize(target)));
      const isRight = all ? missing.length === 0 : missing.length < targets.length;
      return scored(isRight ? 1 : 0, answer);
    };
  },
});

const LETTER_OR_DIGIT = /[\p{L}\p{M}\p{N}]/u;

/** Whether `part` occurs in `text` without a letter or digit that continues its first or last character. */
export function includesWord(text: string, part: string): boolean {
  if (part === "") return true;
  const [first, last] = [isWordCharacter(part[0]), isWordCharacter(part.at(-1))];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1))
    if (!(first && isWordCharacter(text[at - 1])) && !(last && isWordCharacter(text[at + part.length]))) return true;
  return false;
}

/** Chinese characters are words of their own. */
function isWordCharacter(character: string | undefined): boolean {
  return character !== undefined && LETTER_OR_DIGIT.test(character) && !/\p{Script=Han}/u.test(character);
}
