import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";

/** What to do about a failed call, by the kind of its error. */
export const ERROR_HINTS: Readonly<Record<ProviderErrorKind, string>> = {
  throttled: "Wait a minute and try again. A run waits by itself.",
  quota: "Check the account's balance and plan with the provider.",
  auth: `Check the model's name, the key, the other credentials of the account, and the base URL ("${SUGGESTED_COMMANDS.providers()}" shows them).`,
  "invalid-request": "The provider rejects this call. Check the model's name and the account's permissions.",
  "too-long":
    "The input is longer than the model accepts. Split documents into smaller chunks (--chunk-tokens), or choose another model.",
  "content-filter": "The provider's content filter refused the input. If it is harmless, contact the provider.",
  overloaded: "The provider is overloaded. Try again later. A run waits by itself.",
  server: "The provider failed. Try again, and check its status page if the error persists.",
  timeout: "The provider did not answer in time. Check the network and the proxy, and try again.",
  network: "Check the base URL, the network and the proxy (HTTPS_PROXY, NO_PROXY).",
  "bad-response": "The answer does not follow the protocol. Check the base URL, and any proxy or gateway.",
  aborted: "The call was interrupted.",
};
