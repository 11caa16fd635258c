import type { LimitDimension, ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { LimitWindow } from "#src/core/lane.ts";
import type { ProviderFacts } from "#src/providers/provider-entry.ts";
import type { RerankDialect } from "#src/providers/rerank/rerank-codec.ts";
import type { ChatDialect } from "./chat/chat-dialect.ts";

export interface ErrorCodeClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  readonly window?: LimitWindow;
  /** Smaller batches may succeed. */
  readonly isSplittable?: boolean;
  /**
   * For codes that vendors send with unrelated causes: any decisive HTTP status, or a 5xx status, says more than the
   * code.
   */
  readonly yieldsTo?: "status" | "server-status";
}

/** Time limits of calls; absent ones are the transport's. */
export interface ProviderTimeouts {
  /** Until the headers of the response. */
  readonly firstByteMs?: number;
  /** Between two events of a stream, or two bytes of a complete response. */
  readonly idleMs?: number;
  /** Until the end of the response. */
  readonly totalMs?: number;
}

/** The data of an OpenAI-compatible vendor, from which its codec, registry entry and configuration are derived. */
export interface CompatibleProfile extends ProviderFacts {
  readonly name: string;
  readonly defaultBaseUrl: string;
  /** The operator of the server chooses the models, which may accept values that vendors reject. */
  readonly isSelfHosted?: boolean;
  /** Prefix of the environment variables: "OPENAI" for OPENAI_API_KEY and OPENAI_BASE_URL. */
  readonly envPrefix: string;
  /** False for servers that work without a key. */
  readonly needsKey?: boolean;
  /** The only name of the limit of tokens that the vendor accepts; by default the one that the request used. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** Whether the usage of a stream must be requested. Default true. */
  readonly includeUsage?: boolean;
  /** Upper bound of the temperature, if it is not the usual 2. */
  readonly maxTemperature?: number;
  /** Names of the models that accept only their own temperature and top_p, which is 1. */
  readonly fixedSampling?: RegExp;
  /** Calls may ask for several answers (`n`). */
  readonly supportsChoices?: true;
  /** Names of the models that answer only, or better, as a stream. */
  readonly streamsUpstream?: RegExp;
  readonly reasoningField?: "reasoning_content" | "reasoning";
  readonly terminal?: ChatDialect["terminal"];
  /** The requested form of vectors; the decoder recognizes both forms. */
  readonly encoding?: "base64" | "float" | "omitted";
  /** The vendor's own error codes, which take precedence over the common ones. */
  readonly codes?: Readonly<Record<string, ErrorCodeClass>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Parameters of the query string of every call. */
  readonly query?: Readonly<Record<string, string>>;
  /** The header of the key. Default `authorization`, whose value is "Bearer" and the key; others contain the key alone. */
  readonly authHeader?: string;
  /** Prefix of the paths of a model, relative to the base URL and without slashes at its ends. */
  readonly pathPrefix?: (model: string) => string;
  readonly timeouts?: ProviderTimeouts;
  /** The protocol of rerank calls, for servers that offer them. */
  readonly rerank?: RerankDialect["form"];
}
