import type { AccessControl, AdmittedUse, Caller } from "./caller.ts";

/** Everything on a server without keys belongs to this tenant. */
export const DEFAULT_TENANT = "default";

const ANYBODY: Caller = { tenant: DEFAULT_TENANT, keyId: undefined, allowsModel: () => true };
const UNLIMITED: AdmittedUse = { headers: {}, settle: () => Promise.resolve() };

/** Access without keys, for a server that only programs on this machine can reach. */
export const OPEN_ACCESS: AccessControl = {
  authenticate: () => Promise.resolve(ANYBODY),
  admit: () => Promise.resolve(UNLIMITED),
};
