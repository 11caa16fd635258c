import type { IncomingHttpHeaders } from "node:http";

/** Who sent a request. */
export interface Caller {
  /** Owns everything that the caller creates. A tenant sees nothing of another one. */
  readonly tenant: string;
  /** Public id of the key; undefined on a server without keys. */
  readonly keyId: string | undefined;
  allowsModel(fullName: string): boolean;
}

/** What a call is expected to need. */
export interface ExpectedUse {
  /** "provider/model" */
  readonly model: string;
  /** Estimated tokens of the request and its answer. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a call used, as reported by the provider. */
export interface ReportedUse {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly totalTokens?: number | undefined;
}

/** A share of the caller's limits and budgets, granted before a call. */
export interface AdmittedUse {
  /** The `x-ratelimit-*` headers of the response. */
  readonly headers: Readonly<Record<string, string>>;
  /** Replaces the expected use by the reported one; without one, the share is released. Call it once, also after errors. */
  settle(used: ReportedUse | undefined): Promise<void>;
}

/** Decides who may send requests, and how many. */
export interface AccessControl {
  /** Throws an ApiError with status 401. */
  authenticate(headers: IncomingHttpHeaders): Promise<Caller>;
  /** Throws an ApiError if the model is not allowed, or with status 429 if a limit or a budget is used up. */
  admit(caller: Caller, expected: ExpectedUse): Promise<AdmittedUse>;
}
