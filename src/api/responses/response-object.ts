import type { ApiError } from "#src/api/http/api-error.ts";
import { writeResponsesObject } from "#src/producer/openai-batch/requests/write-responses-object.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { StoredResponse } from "./response-body.ts";

export const RESPONSE_ID_PREFIX = "resp_";

/** What has become of a response. */
export type ResponseOutcome =
  | { readonly status: "queued" | "in_progress" | "cancelled" }
  | { readonly status: "failed"; readonly error: ApiError }
  | { readonly status: "answered"; readonly answer: ChatResponse };

/** A response in OpenAI's format. `item` is the id of its chat item. */
export function writeResponse(item: string, stored: StoredResponse, outcome: ResponseOutcome): JsonObject {
  const { model, createdAt, isBackground, previous = null, echo } = stored;
  const created = Math.floor(createdAt / 1000);
  const common = {
    ...echo,
    background: isBackground,
    previous_response_id: previous,
    truncation: "disabled",
    store: true,
  };
  if (outcome.status === "answered") {
    return { ...writeResponsesObject(outcome.answer, { id: `chatcmpl-${item}`, created, model }), ...common };
  }
  const error = outcome.status === "failed" ? writeError(outcome.error) : null;
  return {
    id: `${RESPONSE_ID_PREFIX}${item}`,
    object: "response",
    created_at: created,
    status: outcome.status,
    error,
    incomplete_details: null,
    model,
    output: [],
    usage: null,
    ...common,
  };
}

function writeError({ details }: ApiError) {
  return { code: details.code ?? "server_error", message: details.message };
}
