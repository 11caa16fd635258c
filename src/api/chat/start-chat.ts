import { type AdmittedUse, type Caller, ownedBy } from "#src/api/access/caller.ts";
import { expectChatUse } from "#src/api/access/expect-use.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { DirectoryModel } from "#src/api/models/model-directory.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { checkLength } from "./check-length.ts";

/** A request for one chat answer. */
export interface ChatSubmission {
  readonly caller: Caller;
  /** In OpenAI's format, without the fields that concern the response itself, such as `stream`. */
  readonly body: JsonObject;
  readonly stream: boolean;
  /** Sent by the client: the same request with the same key is the same item. */
  readonly idempotencyKey: string | undefined;
  /** Name of the route, which keys are unique within. */
  readonly route: string;
}

/** A chat item that has been queued. */
export interface StartedChat {
  /** Id of the item. */
  readonly id: string;
  readonly model: DirectoryModel;
  /** Epoch ms */
  readonly startedAt: number;
  readonly admission: AdmittedUse;
}

/**
 * Checks a request and queues it as an item, in the order: body, model, limits of the model, limits of the caller. Throws an
 * ApiError.
 */
export async function startChat(context: ApiContext, call: ChatSubmission): Promise<StartedChat> {
  const read = readChatRequest(call.body);
  if ("problems" in read) throw API_ERRORS.invalidValue(findField(read.problems[0]), `${read.problems.join("; ")}.`);
  if (read.model === undefined) throw API_ERRORS.invalidValue("model", 'The field "model" is missing.');
  return await submitChat(context, call, await context.models.find(read.model, "chat"), read.request);
}

/** Queues a request whose model is known. */
export async function submitChat(
  context: ApiContext,
  { caller, stream, idempotencyKey, route }: Omit<ChatSubmission, "body">,
  model: DirectoryModel,
  request: ChatRequest,
): Promise<StartedChat> {
  if (!caller.allowsModel(model.fullName)) throw API_ERRORS.forbiddenModel(model.fullName);
  const rejected = context.checkRequest(model.fullName, request)?.rejected ?? [];
  if (rejected.length > 0) {
    throw API_ERRORS.invalidValue(findField(rejected[0]), `${rejected.join("; ")}.`, "invalid_parameter");
  }
  const use = expectChatUse(model.fullName, request);
  checkLength(model, use.inputTokens, request.maxTokens);
  const admission = await context.access.admit(caller, use);
  try {
    const { id } = await context.sluice.submitChat({
      ...omitUndefined({ ...request }),
      model: model.fullName,
      stream,
      ttlMs: context.settings.ttlMs,
      ...ownedBy(caller),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey: scopeKey(caller, route, idempotencyKey) }),
    });
    admission.attach(id, { mayRepeat: idempotencyKey !== undefined });
    return { id, model, startedAt: context.clock.now(), admission };
  } catch (error) {
    await admission.settle(undefined);
    throw error;
  }
}

/** Keys of different tenants and routes never meet. */
export function scopeKey({ tenant }: Caller, route: string, key: string): string {
  return JSON.stringify([tenant, route, key]);
}

/** The name of the field that a problem is about: problems begin with it. */
function findField(problem = ""): string | undefined {
  return /^"?([a-z][\w.[\]-]{0,200})"?(?: of \S+)? (?:must|is|has|contains|needs|may) /.exec(problem)?.[1];
}
