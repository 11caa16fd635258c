import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { claimIdempotencyKey } from "#src/api/http/idempotency.ts";
import { createObjectId } from "#src/api/storage/data-folder.ts";
import type { StoredBatch } from "./batch-object.ts";
import { BATCH_ID_PREFIX } from "./batch-store.ts";

export interface BatchRequest {
  /** Name of the route, which idempotency keys are unique within. */
  readonly route: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

/** The fields of a new batch that do not depend on its requests. */
type BegunBatch = Pick<StoredBatch, "id" | "tenant" | "keyId" | "share" | "allowedModels" | "status" | "createdAt">;

type BatchBeginning =
  | { readonly known: StoredBatch; readonly begun?: undefined }
  | { readonly known?: undefined; readonly begun: BegunBatch };

/**
 * Begins a batch of the caller, or finds the one that an earlier request with its idempotency key has created. Throws an
 * ApiError if that was another request.
 */
export async function beginBatch(
  context: ApiContext,
  caller: Caller,
  { route, key, body }: BatchRequest,
): Promise<BatchBeginning> {
  const { tenant, keyId, share, models } = caller;
  const createdAt = context.clock.now();
  const newId = createObjectId(BATCH_ID_PREFIX, createdAt);
  const claim = key === undefined ? undefined : { route, key, request: body, id: newId };
  const id = claim ? await claimIdempotencyKey(context, caller, claim) : newId;
  const known = id === newId ? undefined : await context.batches.get(tenant, id);
  if (known) return { known };
  const allowedModels = models && [...models];
  return { begun: { id, tenant, keyId, share, allowedModels, status: "validating", createdAt } };
}
