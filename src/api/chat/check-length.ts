import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { DirectoryModel } from "#src/api/models/model-directory.ts";
import { ESTIMATE_ERROR } from "#src/core/money.ts";

/**
 * Throws an ApiError if the messages and the longest answer do not fit into the context of the model. The tokens of the messages
 * are estimated: only what is too long even if the estimate is too high is refused; the provider decides about the rest.
 */
export function checkLength({ fullName, data }: DirectoryModel, messages: number, answer: number | undefined): void {
  const { maxTokens: context } = data;
  if (context === undefined || messages * (1 - ESTIMATE_ERROR) + (answer ?? 0) <= context) return;
  const answerPart = answer === undefined ? "" : ` and ${answer} for the answer`;
  const message = `${fullName} has a context of ${context} tokens, and this request needs about ${messages + (answer ?? 0)}: about ${messages} in the messages${answerPart}. Shorten the messages${answer === undefined ? "" : ", or lower max_tokens"}.`;
  throw API_ERRORS.invalidValue("messages", message, "context_length_exceeded");
}
