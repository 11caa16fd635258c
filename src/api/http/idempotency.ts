import { createHash } from "node:crypto";
import * as z from "zod";
import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { TenantStore } from "#src/state/tenants/tenant-store.ts";
import { API_ERRORS } from "./api-error.ts";

const claim = z.object({ id: z.string(), digest: z.string() });

/** How long a key is remembered, as by OpenAI and Stripe. */
const KEY_TTL_MS = 24 * 3600_000;

export interface IdempotentCreation {
  /** Name of the route, which keys are unique within. */
  readonly route: string;
  readonly key: string;
  /** The body, or whatever else identifies the request. */
  readonly request: unknown;
  /** Id of the object if this request is the first with its key. */
  readonly id: string;
}

/**
 * The id of the object that requests with a key create: the first one decides, also among concurrent ones. Throws an ApiError
 * if that was another request. Objects are then created under the id as often as necessary, because a server may have died
 * in between.
 */
export async function claimIdempotencyKey(
  { client, keys, clock }: ApiContext,
  { tenant }: Caller,
  { route, key, request, id }: IdempotentCreation,
): Promise<string> {
  const store = new TenantStore(client, keys, { kind: "idempotency-key", schema: claim });
  const name = hash([route, key]);
  const digest = hash(request);
  const isFirst = await store.create(tenant, name, { id, digest }, { createdAt: clock.now(), ttlMs: KEY_TTL_MS });
  if (isFirst) return id;
  const first = await store.get(tenant, name);
  // It has expired just now, or is malformed.
  if (!first) return id;
  if (first.digest !== digest) throw API_ERRORS.reusedIdempotencyKey();
  return first.id;
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
