import { z } from "zod";
import { readChoice } from "#src/evaluation/extract/read-choice.ts";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { scored, scoringError, unparseable } from "#src/evaluation/score.ts";
import { defineScorer, NO_TARGET } from "./define-scorer.ts";

export const choice = defineScorer({
  type: "choice",
  summary: "The chosen letter of a multiple-choice question equals the target, in English and Chinese answers.",
  range: "binary",
  options: {
    count: z.int().min(2).max(26).default(10).describe("number of choices; the first is A"),
    field: z
      .string()
      .optional()
      .describe("dataset field with the list of choices: an answer may then quote a choice, and it replaces `count`"),
    multiple: z.boolean().default(false).describe("several letters are one answer, such as ACD; all must be right"),
  },
  create({ count, field, multiple }) {
    return (text, { targets, fields }) => {
      if (targets.length === 0) return NO_TARGET;
      const texts = field === undefined ? undefined : readTexts(fields, field);
      if (field !== undefined && texts === undefined)
        return scoringError(`the field "${field}" is not a list of texts`);
      const options = { count: texts?.length ?? count, isMultiple: multiple, texts };
      const reading = readChoice(text, options);
      if (reading.status === "none") return unparseable("no choice was found");
      if (reading.status === "ambiguous") return unparseable(reading.reason);
      let isRight = false;
      for (const target of targets) {
        const wanted = readChoice(target, options);
        if (wanted.status !== "found") return scoringError(`the target ${JSON.stringify(target)} is not a choice`);
        isRight ||= wanted.answer === reading.answer;
      }
      return scored(isRight ? 1 : 0, reading.answer);
    };
  },
});

function readTexts(fields: AnsweredSample["fields"], name: string): string[] | undefined {
  const list = z.array(z.union([z.string(), z.number().transform(String)])).safeParse(fields[name]);
  return list.data;
}
