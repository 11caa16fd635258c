import { type AdmittedUse, type Caller, ownedBy } from "#src/api/access/caller.ts";
import { expectEmbeddingUse } from "#src/api/access/expect-use.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { scopeKey } from "#src/api/chat/start-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import type { DirectoryModel } from "#src/api/models/model-directory.ts";
import type { EmbeddingRecord } from "#src/producer/client/sluice-client.ts";
import {
  type EmbeddingBody,
  readEmbeddingRequest,
} from "#src/producer/openai-batch/requests/read-embedding-request.ts";
import type { JsonObject } from "#src/providers/json-value.ts";

export interface EmbeddingCall {
  readonly caller: Caller;
  readonly body: JsonObject;
  readonly idempotencyKey: string | undefined;
  /** Name of the route, which keys are unique within. */
  readonly route: string;
}

/** An embedding item that has been queued. */
export interface StartedEmbeddings {
  /** Id of the item. */
  readonly id: string;
  readonly model: DirectoryModel;
  readonly encoding: EmbeddingBody["encoding"];
  readonly admission: AdmittedUse;
}

/** Checks a request and queues its texts as one item. Throws an ApiError. */
export async function startEmbeddings(
  context: ApiContext,
  { caller, body, idempotencyKey, route }: EmbeddingCall,
): Promise<StartedEmbeddings> {
  const read = readEmbeddingRequest(body);
  if ("problems" in read) throw API_ERRORS.invalidValue("input", `${read.problems.join("; ")}.`);
  if (read.model === undefined) throw API_ERRORS.invalidValue("model", 'The field "model" is missing.');
  const model = await context.models.find(read.model, "embedding");
  if (!caller.allowsModel(model.fullName)) throw API_ERRORS.forbiddenModel(model.fullName);
  if (read.tokenIds && !model.data.acceptsTokenIds) {
    throw API_ERRORS.invalidValue("input", `${model.fullName} accepts texts, not token ids.`);
  }
  const admission = await context.access.admit(caller, expectEmbeddingUse(model.fullName, read));
  const { id } = await context.sluice
    .submitEmbedding({
      model: model.fullName,
      inputs: read.inputs,
      ...(read.tokenIds ? { tokenIds: true } : {}),
      ...(read.options === undefined ? {} : { options: read.options }),
      ...(read.dimensions === undefined ? {} : { dimensions: read.dimensions }),
      ttlMs: context.settings.ttlMs,
      ...ownedBy(caller),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey: scopeKey(caller, route, idempotencyKey) }),
    })
    .catch(async (error) => {
      await admission.settle(undefined);
      throw error;
    });
  admission.attach(id, { mayRepeat: idempotencyKey !== undefined });
  return { id, model, encoding: read.encoding, admission };
}

/** The vectors of the records of an item, and their tokens. Throws an ApiError if a text failed. */
export function collectVectors(records: readonly EmbeddingRecord[]) {
  const vectors: Float32Array[] = [];
  let tokens = 0;
  for (const record of records) {
    if (record.status === "failed") throw failureToError(record.failure);
    vectors.push(record.vector);
    tokens += record.tokens;
  }
  return { vectors, tokens };
}
