import type { AdmittedUse, Caller } from "./caller.ts";

/** Everything on a server without keys belongs to this tenant. */
export const DEFAULT_TENANT = "default";

/** The caller of a server without keys, which only programs on this machine can reach. */
export const ANYBODY: Caller = {
  tenant: DEFAULT_TENANT,
  keyId: undefined,
  share: undefined,
  role: "admin",
  models: undefined,
  allowsModel: () => true,
};

export const UNLIMITED: AdmittedUse = {
  headers: {},
  attach: () => undefined,
  settle: () => Promise.resolve(),
  leave: () => undefined,
};
