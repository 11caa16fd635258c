import { assertInRange, type Range } from "#src/providers/check-range.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";
import type { MinimaxChatModel } from "./chat-models.ts";

const PROBABILITY: Range = { above: 0, max: 1 };

/**
 * Throws `invalid-request`, with the range, for a field of the body that is known to be out of its range. The fields are
 * checked under their names in the body, so that fields from `extra` are checked as well. A temperature of 0 is rejected
 * and not raised: the answer would differ from the requested one without a notice.
 */
export function checkRanges(body: Readonly<Record<string, unknown>>, model: MinimaxChatModel): void {
  const output = { min: 1, max: model.maxOutputTokens, integer: true };
  const ranges: Readonly<Record<string, Range>> = {
    temperature: PROBABILITY,
    top_p: PROBABILITY,
    beam_width: { min: 1, max: 3, integer: true },
    tokens_to_generate: output,
    max_tokens: output,
    max_completion_tokens: output,
  };
  for (const [field, range] of Object.entries(ranges))
    assertInRange(MINIMAX_NAME, `${field} of ${model.name}`, body[field], range);
}
