import type { MinimaxChatModel } from "./chat-models.ts";
import { refuse } from "./refuse.ts";

interface Range {
  /** The smallest value. */
  readonly from?: number;
  /** Values must be greater than this. */
  readonly above?: number;
  readonly to: number;
  readonly whole?: boolean;
}

const SHARE: Range = { above: 0, to: 1 };

/** By the name in the body, so that fields given as `extra` are checked as well. */
const RANGES: Readonly<Record<string, Range>> = {
  temperature: SHARE,
  top_p: SHARE,
  beam_width: { from: 1, to: 3, whole: true },
};

const OUTPUT_FIELDS = ["tokens_to_generate", "max_tokens", "max_completion_tokens"] as const;

/**
 * Throws `invalid-request` for a field of the body that is known to be out of its range, with the range. A
 * temperature of 0 is refused, not raised: an answer that differs from what was asked for must not look like it.
 */
export function checkRanges(body: Readonly<Record<string, unknown>>, model: MinimaxChatModel): void {
  for (const [field, range] of Object.entries(RANGES)) checkRange(body, field, range, model.name);
  const to = model.maxOutputTokens ?? Number.MAX_SAFE_INTEGER;
  for (const field of OUTPUT_FIELDS) checkRange(body, field, { from: 1, to, whole: true }, model.name);
}

/** Throws when the field is there and is not exactly this one value. */
export function checkOnly(body: Readonly<Record<string, unknown>>, field: string, only: number): void {
  const value = body[field];
  if (value !== undefined && value !== only) throw refuse(`${field} must be ${only}, not ${show(value)}`);
}

function checkRange(
  body: Readonly<Record<string, unknown>>,
  field: string,
  range: Range,
  model: string,
): void {
  const value = body[field];
  if (value === undefined || value === null || fits(value, range)) return;
  throw refuse(`${field} of ${model} must be ${describe(range)}, not ${show(value)}`);
}

function fits(value: unknown, { from, above, to, whole }: Range): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (whole === true && !Number.isInteger(value)) return false;
  return value <= to && value >= (from ?? value) && (above === undefined || value > above);
}

function describe({ from, above, to, whole }: Range): string {
  const start = above === undefined ? `from ${from}` : `above ${above}`;
  const end = to === Number.MAX_SAFE_INTEGER ? " on" : ` up to ${to}`;
  return `a ${whole === true ? "whole number" : "number"} ${start}${end}`;
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : `a ${typeof value}`;
}
