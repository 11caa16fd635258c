import type { LimitDimension, ProviderErrorKind } from "#src/core/errors.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import type { ModelData } from "#src/providers/provider.ts";

export interface ErrorCodeClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  readonly dimension?: LimitDimension;
  /** Smaller batches may pass. */
  readonly isSplittable?: boolean;
}

/** Everything that makes one OpenAI-compatible vendor: data, from which codec, registry and configuration follow. */
export interface CompatibleProfile {
  readonly name: string;
  readonly defaultBaseUrl: string;
  readonly models: readonly ModelData[];
  /** Serves what its owner or many vendors put on it, so that any model's name is taken: of both kinds, or of one. */
  readonly openModels?: "any" | "embedding";
  /** First part of the variables of the account: "OPENAI" for OPENAI_API_KEY and OPENAI_BASE_URL. */
  readonly envPrefix: string;
  /** False for servers that run without a key. */
  readonly needsKey?: boolean;
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** Whether usage of a stream has to be asked for; true unless said otherwise. */
  readonly includeUsage?: boolean;
  readonly reasoningField?: "reasoning_content" | "reasoning";
  readonly terminal?: "both" | "done" | "finish-reason";
  /** Asked-for form of vectors; what comes back is told apart by itself. */
  readonly encoding?: "base64" | "float" | "omitted";
  /** Inputs one embedding call may carry, for models that say nothing of their own. */
  readonly maxInputs?: number;
  readonly maxBatchTokens?: number;
  /** For models that are not listed. */
  readonly limits?: LaneLimits;
  /** The vendor's own error codes, before those all share. */
  readonly codes?: Readonly<Record<string, ErrorCodeClass>>;
  readonly headers?: Readonly<Record<string, string>>;
}
