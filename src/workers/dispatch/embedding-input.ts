import type { PendingInput } from "./pending-input.ts";

export interface EmbeddingInput extends PendingInput {
  readonly text: string;
  /** Its run wants canaries in its calls. */
  readonly hasCanaries?: boolean;
}

/** Distributes the reported tokens of a call over its inputs in proportion to their estimates; the shares add up. */
export function distributeTokens(inputs: readonly { readonly tokens: number }[], total: number | undefined): number[] {
  const estimates = inputs.map((input) => input.tokens);
  if (total === undefined) return estimates;
  const sum = estimates.reduce((a, b) => a + b, 0);
  let before = 0;
  let distributed = 0;
  return estimates.map((estimate, i) => {
    before += estimate;
    const upTo = sum === 0 ? Math.round((total * (i + 1)) / inputs.length) : Math.round((total * before) / sum);
    const share = upTo - distributed;
    distributed = upTo;
    return share;
  });
}
