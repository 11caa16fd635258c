import { type Score, scoringError } from "#src/evaluation/score.ts";
import type { CallAnswer, CallResources, ScorerCall } from "#src/evaluation/scorer-call.ts";
import { OptionError } from "#src/evaluation/scorers/scorer-options.ts";

/** The score of a sample some of whose calls were not made. */
export const MISSING_CALL: Score = scoringError(
  "a model call of this scorer has not been made; run the evaluation again with this spec and the same folder to make it",
);

/** The full name of a model. Throws an OptionError if there is none, or if it cannot be called with these fields of the body. */
export function requireModel(
  { resolveModel }: CallResources,
  model: string,
  kind: "chat" | "embedding",
  {
    path,
    body = {},
  }: { readonly path: readonly (string | number)[]; readonly body?: Readonly<Record<string, unknown>> },
): string {
  const resolved = resolveModel(model, kind, body);
  if ("problem" in resolved) throw new OptionError(path, resolved.problem);
  return resolved.name;
}

/** The answers to all calls; undefined if one of them was not made. */
export function findAllAnswers(
  { findAnswer }: CallResources,
  calls: readonly ScorerCall[],
): readonly CallAnswer[] | undefined {
  const answers = calls.flatMap((call) => findAnswer(call) ?? []);
  return answers.length === calls.length ? answers : undefined;
}
