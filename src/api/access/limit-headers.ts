import type { LimitUse } from "#src/state/api-keys/key-usage.ts";

/** The limits of a key, and how much of them is used. */
export interface LimitUses {
  /** Absent without the limit. */
  readonly requests: LimitUse | undefined;
  readonly tokens: LimitUse | undefined;
}

/** OpenAI's headers about the caller's limits; those of a limit that the key does not have are absent. */
export function writeLimitHeaders({ requests, tokens }: LimitUses): Record<string, string> {
  return { ...describe("requests", requests), ...describe("tokens", tokens) };
}

function describe(name: "requests" | "tokens", use: LimitUse | undefined): Record<string, string> {
  if (!use) return {};
  return {
    [`x-ratelimit-limit-${name}`]: String(use.limit),
    [`x-ratelimit-remaining-${name}`]: String(use.remaining),
    [`x-ratelimit-reset-${name}`]: formatReset(use.resetMs),
  };
}

/** As OpenAI writes durations: "0s", "120ms", "7.66s", "1m0s". */
export function formatReset(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole > 0 && whole < 1_000) return `${whole}ms`;
  const seconds = Math.ceil(ms / 10) / 100;
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${Math.round((seconds % 60) * 100) / 100}s`;
}
