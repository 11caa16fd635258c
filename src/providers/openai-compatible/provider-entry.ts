import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { createCompatibleProvider } from "./compatible-provider.ts";
import type { CompatibleProfile } from "./profile.ts";

/** The registry entry of an OpenAI-compatible provider. */
export function createCompatibleEntry(profile: CompatibleProfile): ProviderEntry {
  return {
    ...profile,
    create: (account, transport, describe) => createCompatibleProvider(profile, account, transport, describe),
  };
}
