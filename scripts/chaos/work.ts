// What one round processes, and the truth about it, computed by the simulator's model and not by the product.
import { createHash } from "node:crypto";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { answerPrompt } from "#src/simulator/chat/answer-prompt.ts";
import type { Upstream } from "./upstream.ts";

export const WORK_KINDS = ["embed", "batch", "client"] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** Texts with this word are refused by the provider. */
export const BAD_WORD = "forbidden";
/** What a failed item has instead of an answer. */
export const FAILED = "failed";
/** The most texts in one call. */
export const TEXTS_PER_CALL: Readonly<Record<WorkKind, number>> = { embed: 10, batch: 1, client: 1 };

export interface WorkItem {
  readonly id: string;
  readonly text: string;
  readonly isBad: boolean;
}

/** One record of the output: the answer as a string that two equal answers share. */
export interface DeliveredRecord {
  readonly id: string;
  readonly answer: string;
}

const WORDS = "river gate water lock channel level stone bridge field morning harvest engine signal letter".split(" ");

/** No two texts are equal. `badShare`: the share of texts that the provider refuses. */
export function planItems(count: number, badShare: number, random: () => number): WorkItem[] {
  return Array.from({ length: count }, (_, n) => {
    const words = Array.from(
      { length: 4 + Math.floor(random() * 12) },
      () => WORDS[Math.floor(random() * WORDS.length)],
    );
    const isBad = random() < badShare;
    const text = `Paragraph p${n}: ${words.join(" ")}${n % 3 === 0 ? " 水闸河流渠道" : ""}${isBad ? ` ${BAD_WORD}` : ""}.`;
    return { id: `i-${n}`, text, isBad };
  });
}

export function hashVector(vector: Float32Array): string {
  return createHash("sha1")
    .update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
    .digest("hex");
}

/** The answer that the record of an item must have. */
export function findTruth(kind: WorkKind, { text, isBad }: WorkItem): string {
  if (isBad) return FAILED;
  return kind === "embed" ? hashVector(toFloats(embedText(text))) : answerPrompt(text);
}

/** The tokens that the provider bills for the records of the items. */
export function countTrueTokens(kind: WorkKind, items: readonly WorkItem[], upstream: Upstream): number {
  const tokensOf = ({ text }: WorkItem) => (kind === "embed" ? countTokens(text) : (upstream.tokens.get(text) ?? 0));
  return items.reduce((sum, item) => sum + (item.isBad ? 0 : tokensOf(item)), 0);
}
