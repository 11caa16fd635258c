import { z } from "zod";

/** An answer to every prompt that contains a text. */
export const scriptedAnswerSchema = z.strictObject({
  prompt: z.string().min(1),
  answer: z.string(),
  /** Answers only this model. */
  model: z.string().optional(),
});

export type SimulatorAnswer = z.output<typeof scriptedAnswerSchema>;

/** Finds the first answer whose text the prompt contains; undefined if there is none. */
export type AnswerFinder = (prompt: string, model: string) => string | undefined;

export function createAnswerFinder(answers: readonly SimulatorAnswer[]): AnswerFinder {
  return (asked, name) =>
    answers.find(({ prompt, model }) => (model === undefined || model === name) && asked.includes(prompt))?.answer;
}
