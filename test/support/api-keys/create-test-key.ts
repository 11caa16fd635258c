import type { ApiKey } from "#src/state/api-keys/api-key.ts";
import type { NewApiKey } from "#src/state/api-keys/api-key-store.ts";

/** What a key without limits needs. */
export function describeKey(changes: Partial<NewApiKey> = {}): NewApiKey {
  return { name: "test", tenant: "one", role: "user", currency: "USD", weight: 1, ...changes };
}

/** The record of a key that is in no store. */
export function createTestKey(changes: Partial<ApiKey> = {}): ApiKey {
  return { ...describeKey(), id: "0123456789abcdef", hash: "a".repeat(64), createdAt: 0, ...changes };
}
