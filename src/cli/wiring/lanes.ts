import { readFileSync } from "node:fs";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { Account } from "#src/config/accounts.ts";
import { type Config, revealAccount } from "#src/config/config.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import { nameAccountSettings } from "#src/providers/name-account-settings.ts";
import type { ChatModel, EmbeddingModel, Provider, RerankModel } from "#src/providers/provider.ts";
import { streamWhereNeeded } from "#src/providers/stream-upstream.ts";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import { limitTransport } from "#src/providers/transport/limit-transport.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import type { ModelLane } from "#src/workers/dispatch/lane-chooser.ts";
import type { Capability } from "#src/workers/worker-host.ts";

/** The limits of a lane: configured ones override the usual limits of the provider's accounts. */
export function resolveLaneLimits(config: Config, lane: Lane): LaneLimits {
  const { model } = config.registry.findModel(`${lane.provider}/${lane.model}`);
  return { ...model.limits, ...config.limits(lane) };
}

/** The limits of all lanes of a model; without credentials, those of one account. */
export function listModelLimits(config: Config, fullName: string): LaneLimits[] {
  const { provider, model } = config.registry.findModel(fullName);
  const accounts = config.accounts(provider).map(({ name }) => name);
  return (accounts.length > 0 ? accounts : ["default"]).map((account) =>
    resolveLaneLimits(config, { provider, account, model: model.name }),
  );
}

/**
 * The lanes of a model: one per account with credentials, with the "host:port" of its base URL. Throws ConfigError with the
 * missing variables if there is none.
 */
export function requireLanes(config: Config, fullName: string): { lane: Lane; limits: LaneLimits; address: string }[] {
  const { provider, model } = config.registry.findModel(fullName);
  const missing = config.missing(provider);
  const accounts = config.accounts(provider);
  if (accounts.length === 0) {
    throw CLI_ERRORS.missingVariables(provider, missing);
  }
  return accounts.map(({ name, baseUrl }) => {
    const lane = { provider, account: name, model: model.name };
    return { lane, limits: resolveLaneLimits(config, lane), address: new URL(baseUrl).host };
  });
}

export function openTransport(config: Config): Transport {
  return createTransport(readTransportOptions(config));
}

export function readTransportOptions({ transport }: Config): TransportOptions {
  const { proxy, noProxy, extraCaCerts } = transport;
  return {
    httpsProxy: proxy?.reveal(),
    noProxy,
    extraCa: extraCaCerts === undefined ? undefined : readCertificates(extraCaCerts),
  };
}

function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw CLI_ERRORS.unreadableCertificates(path, error instanceof Error ? error.message : "");
  }
}

/** The adapter of an account, with the configured time limits. */
export function openProvider(config: Config, name: string, account: Account, transport: Transport): Provider {
  const limited = limitTransport(transport, config.timeLimits(name));
  const provider = config.registry.createProvider(name, revealAccount(account), limited);
  return streamWhereNeeded(nameAccountSettings(provider, account.sources), config.streamsUpstream(name));
}

/** The provider adapters of a worker, by account; each is created on first use. */
export class LaneRegistry {
  readonly #config: Config;
  readonly #transport: Transport;
  readonly #providers = new Map<Account, Provider>();

  constructor(config: Config, transport: Transport) {
    this.#config = config;
    this.#transport = transport;
  }

  /** Providers with credentials in this configuration. */
  providers(): string[] {
    return this.#config.providers.filter((name) => this.#config.accounts(name).length > 0);
  }

  /** The providers and job kinds that this configuration can call; a worker serves their queues. */
  capabilities(): Capability[] {
    return this.providers().flatMap((provider) => {
      const [account] = this.#config.accounts(provider);
      const adapter = account && this.#provider(provider, account);
      const kinds = (["embedding", "chat", "rerank"] as const).filter((kind) => adapter?.[kind]);
      return kinds.map((kind) => ({ provider, kind }));
    });
  }

  /** Empty if this process cannot call the model; another worker may be able to. */
  embeddingLanes(provider: string, model: string): ModelLane<EmbeddingModel>[] {
    return this.#lanes(provider, model, (adapter) => adapter.embedding);
  }

  /** Empty if this process cannot call the model; another worker may be able to. */
  chatLanes(provider: string, model: string): ModelLane<ChatModel>[] {
    return this.#lanes(provider, model, (adapter) => adapter.chat);
  }

  /** Empty if this process cannot call the model; another worker may be able to. */
  rerankLanes(provider: string, model: string): ModelLane<RerankModel>[] {
    return this.#lanes(provider, model, (adapter) => adapter.rerank);
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
      const { price } = this.#config.registry.findModel(`${provider}/${model}`).model;
      const limits = resolveLaneLimits(this.#config, lane);
      return [{ lane, limits, model: create(model), price }];
    });
  }

  #provider(name: string, account: Account): Provider {
    const existing = this.#providers.get(account);
    if (existing) return existing;
    const created = openProvider(this.#config, name, account, this.#transport);
    this.#providers.set(account, created);
    return created;
  }
}
