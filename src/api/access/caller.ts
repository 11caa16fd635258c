import type { IncomingHttpHeaders } from "node:http";
import type { Usage } from "#src/providers/provider.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import type { ApiKeyRole } from "#src/state/api-keys/api-key.ts";

/** Who sent a request. */
export interface Caller {
  /** Owns everything that the caller creates. A tenant sees nothing of another one. */
  readonly tenant: string;
  /** Public id of the key; undefined on a server without keys. */
  readonly keyId: string | undefined;
  /** Its share of queues and lanes; undefined on a server without keys. */
  readonly share: TenantShare | undefined;
  /** An admin also operates the server. Without keys, everybody is one. */
  readonly role: ApiKeyRole;
  /** The models that it may use, with `provider/*` for all of a provider; undefined for all. */
  readonly models: readonly string[] | undefined;
  allowsModel(fullName: string): boolean;
}

/** What a call is expected to need. */
export interface ExpectedUse {
  /** "provider/model" */
  readonly model: string;
  /** Estimated tokens of the request and its answer. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Whether the request limits its answer to `outputTokens`; otherwise budgets reserve the longest answer of the model. */
  readonly isOutputLimited?: boolean;
  /** Answers that the request asks for, which `outputTokens` includes; by default one. */
  readonly answers?: number;
}

/** What a call used, as reported by the provider. */
export interface ReportedUse extends Pick<Usage, "cachedTokens" | "cacheWriteTokens"> {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly totalTokens?: number | undefined;
}

/** A share of the caller's limits and budgets, granted before a call. */
export interface AdmittedUse {
  /** The `x-ratelimit-*` headers of the response. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Names the item that makes the call, so that any server can settle its use if this one cannot. Does not wait: without
   * it, the share of a server that dies is released. `mayRepeat`: the item may be that of an earlier request with the same
   * idempotency key; its use counts once.
   */
  attach(itemId: string, options: { readonly mayRepeat: boolean }): void;
  /** Replaces the expected use by the reported one; without one, the share is released. Call it once, also after errors. */
  settle(used: ReportedUse | undefined): Promise<void>;
  /** Instead of `settle`, when the request ends before its item does: the use is settled when the item ends. */
  leave(): void;
}

/** Decides who may send requests, and how many. */
export interface AccessControl {
  /** Throws an ApiError with status 401. */
  authenticate(headers: IncomingHttpHeaders): Promise<Caller>;
  /** Throws an ApiError if the model is not allowed, or with status 429 if a limit or a budget is used up. */
  admit(caller: Caller, expected: ExpectedUse): Promise<AdmittedUse>;
  /** The `x-ratelimit-*` headers of a response to a request without a call; empty for a caller without limits. */
  describeLimits(caller: Caller): Promise<Readonly<Record<string, string>>>;
  /** Stops work in the background. */
  close(): Promise<void>;
}

/** What items of a caller are submitted with. */
export function ownedBy({ tenant, share }: Caller) {
  return { metadata: { tenant }, ...(share && { tenant: share }) };
}
