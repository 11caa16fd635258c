import { type AnswerScope, chatKeys, embeddingKeys, type KeyOf } from "./answer-key.ts";
import type { CacheFolder } from "./open-reuse.ts";

type Addresses = Pick<CacheFolder, "addressesOf">;

/** The keys of texts that one model embeds. */
export function textKeys(
  { addressesOf }: Addresses,
  asked: { provider: string; model: string; purpose: string; dimensions?: number | undefined },
): KeyOf {
  const { provider, model, purpose, dimensions } = asked;
  const parameters = { purpose, ...(dimensions === undefined ? {} : { dimensions }) };
  return embeddingKeys({ provider, addresses: addressesOf(provider), model, parameters });
}

/** The keys of chat requests, whose items name their models "provider/model". */
export function requestKeys({ addressesOf }: Addresses): KeyOf {
  return chatKeys((name): AnswerScope => {
    const slash = name.indexOf("/");
    const provider = name.slice(0, slash);
    return { provider, addresses: addressesOf(provider), model: name.slice(slash + 1), parameters: {} };
  });
}
