import type { ProviderErrorKind } from "#src/core/errors.ts";

/** What a person can do about a call that failed, by the kind of its error. */
export const ERROR_HINTS: Readonly<Record<ProviderErrorKind, string>> = {
  throttled: "wait a minute and try again; a run would wait by itself",
  quota: "look at the account's balance and plan with the provider",
  auth: "check the key, what else belongs to the account, and the base URL (sluice providers shows them)",
  "invalid-request": "the provider does not take this call: check the model's name and the account's rights",
  "too-long": "the model takes less than this short call: check the model's name",
  "content-filter": "the provider's filter refused a harmless question: check the account with the provider",
  overloaded: "the provider is overloaded: try again later; a run would wait by itself",
  server: "the provider failed: try again, and look at its status page when it goes on",
  timeout: "nothing came in time: check the network and the proxy, and try again",
  network: "check the base URL, the network and the proxy (HTTPS_PROXY, NO_PROXY)",
  "bad-response": "what answers does not speak this protocol: check the base URL, and a proxy or gateway on the way",
  aborted: "it was interrupted",
};
