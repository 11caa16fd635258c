import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import { MINIMAX_DIALECTS, type MinimaxChatModel, type MinimaxDialect } from "./chat-models.ts";

/**
 * The dialect of a model: the account's choice, or else the model's default. The choice is one dialect for all models
 * ("chatcompletion_v2") or one per model ("abab6.5s-chat=chatcompletion_v2, MiniMax-M1=openai"). Throws
 * `invalid-request` for an unknown dialect.
 */
export function chooseDialect(model: MinimaxChatModel, choice: string | undefined): MinimaxDialect {
  let chosen = model.dialect;
  for (const part of (choice ?? "").split(",")) {
    const [first = "", second] = part.split("=").map((side) => side.trim());
    const name = second ?? first;
    if (name === "") continue;
    const dialect = MINIMAX_DIALECTS.find((known) => known === name);
    if (dialect === undefined)
      throw invalidRequestError(
        MINIMAX_NAME,
        `the account's dialect must be one of ${MINIMAX_DIALECTS.join(", ")}, or model=dialect pairs of them`,
      );
    if (second === undefined || first === model.name) chosen = dialect;
  }
  return chosen;
}
