import type { ModelData, Provider, ProviderAccount } from "./provider.ts";
import type { Transport } from "./transport/transport.ts";

/** What is known about a provider before any account is configured, and how to create its adapter. */
export interface ProviderEntry {
  readonly name: string;
  readonly defaultBaseUrl: string;
  /** The models with published data, and those that sluice.yaml defines for a provider of its own. */
  readonly models: readonly ModelData[];
  /** Whether calls may use any model name, because the server's operator decides which models it has. */
  readonly acceptsAnyModel?: boolean;
  /**
   * Describes a model that is not in `models`; undefined for a malformed name. Without `kind`, the kind is guessed from
   * the name. Absent for providers whose adapter supports only the listed models.
   */
  readonly describeUnlisted?: (name: string, kind: ModelData["kind"] | undefined) => ModelData | undefined;
  readonly create: (account: ProviderAccount, transport: Transport) => Provider;
}
