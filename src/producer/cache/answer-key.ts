import { createHash } from "node:crypto";
import type { Item } from "#src/core/item.ts";
import { isDeterministic } from "./is-deterministic.ts";

/** Raised when the same question would be asked or read differently than before: answers of older versions are misses. */
const KEY_VERSION = 1;

/** Everything beside the text that decides an answer. Accounts are not among it, and neither is any secret. */
export interface AnswerScope {
  readonly provider: string;
  /** Where the provider is reached: a server of one's own, or a simulator, answers for itself alone. */
  readonly addresses: readonly string[];
  readonly model: string;
  /** Parameters that are the same for all items, such as purpose and dimensions of vectors. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** SHA-256 over scope and text. Lengths go before both, so that no two pairs of them run together to the same bytes. */
export function computeAnswerKey(scope: AnswerScope, text: string): Buffer {
  const { provider, addresses, model, parameters } = scope;
  const named = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  const about = JSON.stringify([KEY_VERSION, provider, [...addresses].sort(), model, named]);
  return createHash("sha256").update(`${about.length}:${about}`).update(text).digest();
}

/** The key of an item's answer; undefined when its answer must not be used again. */
export type ComputeAnswerKey = (item: Item) => Buffer | undefined;

export function createEmbeddingKey(scope: AnswerScope): ComputeAnswerKey {
  return ({ text }) => computeAnswerKey(scope, text);
}

/** Keys of chat requests whose equal answers are meant; `scopeOf` tells a model's. */
export function createChatKey(getScope: (model: string) => AnswerScope): ComputeAnswerKey {
  const scopes = new Map<string, AnswerScope>();
  return ({ text, metadata }) => {
    if (!isDeterministic(text)) return undefined;
    const model = String(metadata?.model);
    const scope = scopes.get(model) ?? getScope(model);
    scopes.set(model, scope);
    return computeAnswerKey(scope, text);
  };
}
