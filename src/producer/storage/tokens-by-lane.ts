import type { DatabaseSync } from "node:sqlite";

export interface LaneTokens {
  /** "minimax/embo-01" */
  readonly lane: string;
  readonly tokens: number;
  readonly outputTokens: number;
}

/** Sums the tokens of all stored records that needed a call, by the lane of the call. */
export function sumTokensByLane(database: DatabaseSync): LaneTokens[] {
  const sums = database.prepare(`
    SELECT l.name, sum(r.tokens) AS tokens, sum(r.output_tokens) AS output_tokens
    FROM records r JOIN lanes l ON l.lane = r.lane WHERE r.attempts > 0 GROUP BY l.lane`);
  return sums.all().map(({ name, tokens, output_tokens: outputTokens }) => ({
    lane: String(name),
    tokens: Number(tokens),
    outputTokens: Number(outputTokens),
  }));
}
