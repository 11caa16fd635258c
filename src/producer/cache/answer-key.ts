import { createHash } from "node:crypto";
import type { Item } from "#src/core/item.ts";
import { isDeterministic } from "./is-deterministic.ts";

/** Incremented when requests or answers are encoded differently; answers of older versions are then misses. */
const KEY_VERSION = 1;

/** Everything but the text that determines an answer. It includes neither accounts nor secrets. */
export interface AnswerScope {
  readonly provider: string;
  /** Addresses of the provider, so that answers of a self-hosted server or a simulator are kept apart. */
  readonly addresses: readonly string[];
  readonly model: string;
  /** Parameters that are the same for all items, such as purpose and dimensions of vectors. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** Computes the SHA-256 of scope and text. The length of the scope comes first, so that different pairs differ in bytes. */
export function computeAnswerKey(scope: AnswerScope, text: string): Buffer {
  const { provider, addresses, model, parameters } = scope;
  const named = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  const about = JSON.stringify([KEY_VERSION, provider, [...addresses].sort(), model, named]);
  return createHash("sha256").update(`${about.length}:${about}`).update(text).digest();
}

/** Computes the key of an item's answer; undefined when the answer must not be reused. */
export type ComputeAnswerKey = (item: Item) => Buffer | undefined;

export function createEmbeddingKey(scope: AnswerScope): ComputeAnswerKey {
  return ({ text }) => computeAnswerKey(scope, text);
}

/** Incremented when chat answers keep more of a response than before; answers of older versions are then misses. */
const CHAT_ANSWER_VERSION = 2;

/** Computes keys of deterministic chat requests; `getScope` returns the scope of a model. */
export function createChatKey(getScope: (model: string) => AnswerScope): ComputeAnswerKey {
  const scopes = new Map<string, AnswerScope>();
  return ({ text, metadata }) => {
    if (!isDeterministic(text)) return undefined;
    const model = String(metadata?.model);
    const scope = scopes.get(model) ?? addAnswerVersion(getScope(model));
    scopes.set(model, scope);
    // The samples of an evaluation are different answers to the same request; the first one may be shared.
    const sample = metadata?.sample;
    return computeAnswerKey(scope, typeof sample === "number" && sample > 1 ? `sample ${sample}\n${text}` : text);
  };
}

function addAnswerVersion(scope: AnswerScope): AnswerScope {
  return { ...scope, parameters: { ...scope.parameters, answerVersion: CHAT_ANSWER_VERSION } };
}
