import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS, ApiError } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { TenantStore } from "#src/state/tenants/tenant-store.ts";
import { type StoredResponse, storedResponse } from "./response-body.ts";
import { RESPONSE_ID_PREFIX, type ResponseOutcome } from "./response-object.ts";

/** Responses of tenants. Their answers are those of their chat items, whose ids are in theirs. */
export class ResponseStore {
  readonly #context: ApiContext;
  readonly #objects: TenantStore<StoredResponse>;

  constructor(context: ApiContext) {
    this.#context = context;
    const { client, keys } = context;
    this.#objects = new TenantStore(client, keys, { kind: "response", schema: storedResponse });
  }

  /** Storing a response again, after a repeated request, changes nothing. */
  async create(tenant: string, item: string, response: StoredResponse): Promise<void> {
    const { ttlMs } = this.#context.settings;
    await this.#objects.create(tenant, `${RESPONSE_ID_PREFIX}${item}`, response, {
      createdAt: response.createdAt,
      ttlMs,
    });
  }

  /** Throws an ApiError about `param` for an id that is unknown, has expired, or belongs to another tenant. */
  async require(tenant: string, id: string, param = "id"): Promise<StoredResponse> {
    const found = await this.#objects.get(tenant, id);
    if (found) return found;
    const { details } = API_ERRORS.unknownObject("response");
    throw new ApiError({ ...details, param });
  }

  async delete(tenant: string, id: string): Promise<void> {
    await this.#objects.delete(tenant, id);
  }

  async readOutcome(item: string): Promise<ResponseOutcome> {
    const { sluice } = this.#context;
    const state = (await sluice.status(item))?.state;
    if (state === "queued") return { status: "queued" };
    if (state === "running") return { status: "in_progress" };
    if (state === "cancelled") return { status: "cancelled" };
    if (state === undefined) return { status: "failed", error: API_ERRORS.unknownObject("answer") };
    const record = await sluice.result(item);
    if (record.status === "failed") return { status: "failed", error: failureToError(record.failure) };
    return { status: "answered", answer: record.response };
  }
}
