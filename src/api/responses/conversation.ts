import { API_ERRORS } from "#src/api/http/api-error.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { StoredResponse } from "./response-body.ts";
import { RESPONSE_ID_PREFIX, writeResponse } from "./response-object.ts";
import type { ResponseStore } from "./response-store.ts";

/** Turns that a conversation may have; each is read when it is continued. */
const MAX_TURNS = 200;

/** The items of all earlier turns: inputs and outputs, oldest first. Throws an ApiError if a turn is missing or unfinished. */
export async function readConversation(
  store: ResponseStore,
  tenant: string,
  previous: string | undefined | null,
): Promise<JsonObject[]> {
  const turns: JsonObject[][] = [];
  for (let id = previous ?? undefined; id !== undefined; ) {
    if (turns.length === MAX_TURNS) {
      throw API_ERRORS.invalidValue("previous_response_id", `A conversation can have ${MAX_TURNS} turns.`);
    }
    const found: StoredResponse = await store.require(tenant, id, "previous_response_id");
    const outcome = await store.readOutcome(id.slice(RESPONSE_ID_PREFIX.length));
    if (outcome.status !== "answered") {
      const message = `${id} has no answer to continue: it is ${outcome.status}.`;
      throw API_ERRORS.invalidValue("previous_response_id", message, "response_not_completed");
    }
    const { output } = writeResponse(id.slice(RESPONSE_ID_PREFIX.length), found, outcome);
    turns.push([...found.input, ...(Array.isArray(output) ? output.filter(isObject) : [])]);
    id = found.previous;
  }
  return turns.reverse().flat();
}

/** Summaries of reasoning are for people: no provider takes them back. */
export function withoutReasoning(items: readonly JsonObject[]): JsonObject[] {
  return items.filter(({ type }) => type !== "reasoning");
}
