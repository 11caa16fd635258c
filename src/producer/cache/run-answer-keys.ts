import { requireModelName } from "#src/core/model-name.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import {
  type AnswerScope,
  type ComputeAnswerKey,
  computeAnswerKey,
  createChatKey,
  createEmbeddingKey,
} from "./answer-key.ts";
import type { AnswerCacheSettings } from "./open-answer-resolver.ts";

type Addresses = Pick<AnswerCacheSettings, "listAddresses">;

/** Computes keys of texts that one model embeds. */
export function createRunEmbeddingKey(
  { listAddresses }: Addresses,
  request: {
    provider: string;
    model: string;
    purpose: string;
    dimensions?: number | undefined;
    options?: Readonly<Record<string, unknown>> | undefined;
    tokenIds?: boolean | undefined;
  },
): ComputeAnswerKey {
  const { provider, model, purpose, dimensions, options, tokenIds } = request;
  const inputs = tokenIds ? "token-ids" : undefined;
  const parameters = omitUndefined({ purpose, dimensions, options: options && JSON.stringify(options), inputs });
  return createEmbeddingKey({ provider, addresses: listAddresses(provider), model, parameters });
}

/** Computes keys of queries with their documents. */
export function createRunRerankKey({ listAddresses }: Addresses, fullName: string): ComputeAnswerKey {
  const { provider, model } = requireModelName(fullName);
  const scope: AnswerScope = { provider, addresses: listAddresses(provider), model, parameters: { task: "rerank" } };
  return ({ text }) => computeAnswerKey(scope, text);
}

/** Computes keys of chat requests, whose items have a model "provider/model". */
export function createRunChatKey({ listAddresses }: Addresses): ComputeAnswerKey {
  return createChatKey((name): AnswerScope => {
    const { provider, model } = requireModelName(name);
    return { provider, addresses: listAddresses(provider), model, parameters: {} };
  });
}
