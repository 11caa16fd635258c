import { readFileSync } from "node:fs";
import type { Account } from "#src/config/accounts.ts";
import { type Config, revealAccount } from "#src/config/config.ts";
import { ConfigError } from "#src/core/errors.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { ChatModel, EmbeddingModel, Provider } from "#src/providers/provider.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import type { ModelLane } from "#src/workers/dispatch/lane-chooser.ts";
import type { Capability } from "#src/workers/worker-host.ts";

/** The limits in force on a lane: the user's own figures before those the provider's accounts usually have. */
export function resolveLaneLimits(config: Config, lane: Lane): LaneLimits {
  const known = config.registry.findProvider(lane.provider).models.find((model) => model.name === lane.model);
  return { ...known?.limits, ...config.limits(lane) };
}

/** What tokens cost on a lane: the user's own figures before those the vendor publishes; undefined when nobody knows. */
function findLanePrice(config: Config, { provider, model }: Lane): TokenPrice | undefined {
  return (
    config.price(provider, model) ??
    config.registry.findProvider(provider).models.find(({ name }) => name === model)?.price
  );
}

/**
 * The lanes of a model: one per account that has credentials, with the "host:port" of its base URL. Throws a ConfigError
 * that names what is missing.
 */
export function requireLanes(config: Config, fullName: string): { lane: Lane; limits: LaneLimits; address: string }[] {
  const { provider, model } = config.registry.findModel(fullName);
  const missing = config.missing(provider);
  const accounts = config.accounts(provider);
  if (accounts.length === 0) {
    throw new ConfigError(
      missing.map((name) => `${name} is not set: ${provider} cannot be called without it (environment or .env)`),
    );
  }
  return accounts.map(({ name, baseUrl }) => {
    const lane = { provider, account: name, model: model.name };
    return { lane, limits: resolveLaneLimits(config, lane), address: new URL(baseUrl).host };
  });
}

export function openTransport(config: Config): Transport {
  const { proxy, noProxy, extraCaCerts } = config.transport;
  return createTransport({
    httpsProxy: proxy === undefined ? undefined : proxy.reveal(),
    noProxy,
    extraCa: extraCaCerts === undefined ? undefined : readCertificates(extraCaCerts),
  });
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([
      `NODE_EXTRA_CA_CERTS: ${path} cannot be read (${error instanceof Error ? error.message : ""})`,
    ]);
  }
}

/** What a worker calls with: adapters by account, made when first asked for. */
export class LaneRegistry {
  readonly #config: Config;
  readonly #transport: Transport;
  readonly #providers = new Map<Account, Provider>();

  constructor(config: Config, transport: Transport) {
    this.#config = config;
    this.#transport = transport;
  }

  /** Providers that this configuration has credentials for. */
  providers(): string[] {
    return this.#config.providers.filter((name) => this.#config.accounts(name).length > 0);
  }

  /** What this configuration can call, and so the queues a worker with it serves. */
  capabilities(): Capability[] {
    return this.providers().flatMap((provider) => {
      const [account] = this.#config.accounts(provider);
      const adapter = account && this.#provider(provider, account);
      return [
        ...(adapter?.embedding ? [{ provider, kind: "embedding" as const }] : []),
        ...(adapter?.chat ? [{ provider, kind: "chat" as const }] : []),
      ];
    });
  }

  /** Empty when this process cannot serve the model; another worker may. */
  embeddingLanes(provider: string, model: string): ModelLane<EmbeddingModel>[] {
    return this.#lanes(provider, model, (adapter) => adapter.embedding);
  }

  /** Empty when this process cannot serve the model; another worker may. */
  chatLanes(provider: string, model: string): ModelLane<ChatModel>[] {
    return this.#lanes(provider, model, (adapter) => adapter.chat);
  }

  #lanes<M>(
    provider: string,
    model: string,
    capability: (adapter: Provider) => ((model: string) => M) | undefined,
  ): ModelLane<M>[] {
    if (!this.providers().includes(provider)) return [];
    return this.#config.accounts(provider).flatMap((account) => {
      const create = capability(this.#provider(provider, account));
      if (!create) return [];
      const lane = { provider, account: account.name, model };
      const price = findLanePrice(this.#config, lane);
      const limits = resolveLaneLimits(this.#config, lane);
      return [{ lane, limits, model: create(model), price }];
    });
  }

  #provider(name: string, account: Account): Provider {
    const known = this.#providers.get(account);
    if (known) return known;
    const made = this.#config.registry.createProvider(name, revealAccount(account), this.#transport);
    this.#providers.set(account, made);
    return made;
  }
}
