import type { ErrorCodeClass } from "#src/providers/openai-compatible/profile.ts";

export const ANTHROPIC_NAME = "anthropic";

/** As Anthropic's own client takes it: without a version. */
export const ANTHROPIC_BASE_URL = "https://api.anthropic.com";

/**
 * The newer version 2026-10-21 refuses `temperature`, `top_p` and `top_k` for every model, also for those that support
 * them. Its additions do not concern the fields that are translated.
 */
export const ANTHROPIC_VERSION = "2023-06-01";

/**
 * Anthropic requires `max_tokens`. This is used for models whose limit is unknown: every model that is still offered
 * supports it.
 */
export const DEFAULT_OUTPUT_TOKENS = 32_000;

const NO_BALANCE = { kind: "quota", message: "the account has no balance or reached its spend limit" } as const;
const NOT_ALLOWED = { kind: "auth", message: "the organization may not use the API" } as const;

/** Values of `error.type` and `error.details.error_code` beyond those that other vendors also send. */
export const ANTHROPIC_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  billing_error: NO_BALANCE,
  contract_spend_limit_reached: NO_BALANCE,
  enforced_spend_limit_reached: NO_BALANCE,
  linked_organization_billing_unavailable: NO_BALANCE,
  linked_organization_spend_limit_reached: NO_BALANCE,
  ramp_limit_exceeded: { kind: "throttled", message: "the request rate increased too fast" },
  organization_on_hold: NOT_ALLOWED,
  organization_type_not_supported: NOT_ALLOWED,
  cmek_key_disabled: { kind: "auth", message: "the encryption key of the workspace is disabled" },
  not_found_error: { kind: "auth", message: "the model or the URL does not exist" },
  request_too_large: { kind: "too-long", message: "the request is too large" },
  image_dimensions_too_large: { kind: "too-long", message: "an image is too large" },
  timeout_error: { kind: "timeout", message: "the upstream timed out" },
  api_error: { kind: "server", message: "the upstream failed", yieldsTo: "status" },
};

/** The generation in the name of a model, such as 4.5 for "claude-haiku-4-5-20251001"; undefined for other names. */
export function readGeneration(model: string): number | undefined {
  const [, major, minor = "0"] = /^claude-(?:[a-z]+-)?(\d+)(?:-(\d{1,2}))?(?!\d)/.exec(model) ?? [];
  return major === undefined ? undefined : Number(`${major}.${minor}`);
}

/** The last generations that support a feature. Models with other names are assumed to support it. */
export const LAST_GENERATION = { sampling: 4.6, prefill: 4.5, thinkingBudget: 4.5 } as const;
