import { z } from "zod";
import type { AnsweredSample } from "#src/evaluation/sample.ts";
import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";

/** What user code gets besides the text of the answer. */
export function createUserContext({ targets, fields, ...sample }: AnsweredSample) {
  const { item, dataset, model, prompt, number, output } = sample;
  // `vars` is promptfoo's name of the fields.
  return { targets, fields, vars: fields, item, dataset, model, prompt, number, finishReason: output.finishReason };
}

const value = z.union([z.number(), z.boolean().transform(Number)]);
const userScore = z.union([
  value.transform((found) => ({ value: found })),
  z
    .object({
      value: value.optional(),
      score: value.optional(),
      pass: value.optional(),
      answer: z.string().optional(),
      explanation: z.string().optional(),
      reason: z.string().optional(),
    })
    .transform(({ value: found, score, pass, ...rest }) => ({ ...rest, value: found ?? score ?? pass }))
    .refine((found) => found.value !== undefined),
]);

/** A number, true or false, or an object with `value` (or promptfoo's `score`, `pass`, `reason`); null: no answer could be read. */
export function parseUserScore(returned: unknown): Score {
  if (returned === null || returned === undefined) return unparseable("the code found no answer");
  const parsed = userScore.safeParse(returned);
  if (!parsed.success || parsed.data.value === undefined)
    return scoringError("the code must return a number, true, false, null, or an object with the property value");
  const found: { value?: number | undefined; answer?: string; explanation?: string; reason?: string } = parsed.data;
  return scored(parsed.data.value, found.answer, found.explanation ?? found.reason);
}
