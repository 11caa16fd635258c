import { findRangeProblem, type Range } from "#src/providers/check-range.ts";
import type { MinimaxChatModel } from "./chat-models.ts";
import { invalidRequestError } from "./invalid-request-error.ts";

const SHARE: Range = { above: 0, max: 1 };

/** By the name in the body, so that fields given as `extra` are checked as well. */
const RANGES: Readonly<Record<string, Range>> = {
  temperature: SHARE,
  top_p: SHARE,
  beam_width: { min: 1, max: 3, integer: true },
};

const OUTPUT_FIELDS = ["tokens_to_generate", "max_tokens", "max_completion_tokens"] as const;

/**
 * Throws `invalid-request` for a field of the body that is known to be out of its range, with the range. A
 * temperature of 0 is refused, not raised: an answer that differs from what was asked for must not look like it.
 */
export function checkRanges(body: Readonly<Record<string, unknown>>, model: MinimaxChatModel): void {
  for (const [field, range] of Object.entries(RANGES)) checkRange(body, field, range, model.name);
  const max = model.maxOutputTokens;
  const output = { min: 1, integer: true, ...(max !== undefined && { max }) };
  for (const field of OUTPUT_FIELDS) checkRange(body, field, output, model.name);
}

function checkRange(body: Readonly<Record<string, unknown>>, field: string, range: Range, model: string): void {
  const problem = findRangeProblem(body[field], range);
  if (problem !== undefined) throw invalidRequestError(`${field} of ${model} ${problem}`);
}
