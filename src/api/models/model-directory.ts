import { API_ERRORS } from "#src/api/http/api-error.ts";
import { parseModelName } from "#src/core/model-name.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { FoundModel, ProviderRegistry } from "#src/providers/registry.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";

export interface DirectoryModel {
  /** "provider/model" */
  readonly fullName: string;
  readonly provider: string;
  readonly data: ModelData;
}

export interface ModelDirectoryOptions {
  readonly registry: ProviderRegistry;
  /** Providers with credentials here, or with a running worker anywhere. */
  readonly usableProviders: () => Promise<readonly string[]>;
  /** Further names of models: alias to "provider/model". */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** Finds the models that requests may name: those of providers that can be used at the moment. */
export class ModelDirectory {
  readonly #registry: ProviderRegistry;
  readonly #usableProviders: ModelDirectoryOptions["usableProviders"];
  readonly #aliases: ReadonlyMap<string, string>;

  constructor({ registry, usableProviders, aliases = {} }: ModelDirectoryOptions) {
    this.#registry = registry;
    this.#usableProviders = usableProviders;
    this.#aliases = new Map(Object.entries(aliases));
  }

  /**
   * Finds the model of a request: by alias, as "provider/model", or by its own name if only one usable provider lists it.
   * Throws an ApiError if it is unknown, not configured, or of another kind.
   */
  async find(requested: string, kind: ModelData["kind"]): Promise<DirectoryModel> {
    const name = this.#aliases.get(requested) ?? requested;
    const usable = await this.#usableProviders();
    const fullName = this.#completeName(name, usable);
    const found = fullName === undefined ? undefined : this.#lookUp(fullName, kind);
    if (!found || !usable.includes(found.provider)) {
      throw API_ERRORS.unknownModel(requested, await this.#listSuggestions(usable, kind));
    }
    const { provider, model } = found;
    if (model.kind !== kind) throw API_ERRORS.wrongModelKind(`${provider}/${model.name}`, model.kind, kind);
    return { fullName: `${provider}/${model.name}`, provider, data: model };
  }

  /** Finds the model of any kind; undefined if it is unknown or not configured. */
  async get(requested: string): Promise<DirectoryModel | undefined> {
    const usable = await this.#usableProviders();
    const fullName = this.#completeName(this.#aliases.get(requested) ?? requested, usable);
    const found = fullName === undefined ? undefined : this.#lookUp(fullName);
    if (!found || !usable.includes(found.provider)) return undefined;
    return { fullName: `${found.provider}/${found.model.name}`, provider: found.provider, data: found.model };
  }

  /** All listed models of usable providers, and the aliases of usable models. */
  async list(): Promise<DirectoryModel[]> {
    const usable = await this.#usableProviders();
    const listed = usable.flatMap((provider) =>
      this.#registry.listModels(provider).map((data) => ({ fullName: `${provider}/${data.name}`, provider, data })),
    );
    const byName = new Map(listed.map((model) => [model.fullName, model]));
    const aliased = [...this.#aliases].flatMap(([alias, target]) => {
      const model = byName.get(target);
      return model ? [{ ...model, fullName: alias }] : [];
    });
    return [...aliased, ...listed];
  }

  #completeName(name: string, usable: readonly string[]): string | undefined {
    const provider = parseModelName(name)?.provider;
    if (provider !== undefined && this.#registry.providers.some((entry) => entry.name === provider)) return name;
    const owners = usable.filter((each) => this.#registry.listModels(each).some((model) => model.name === name));
    if (owners.length > 1) {
      throw API_ERRORS.ambiguousModel(
        name,
        owners.map((owner) => `${owner}/${name}`),
      );
    }
    return owners[0] === undefined ? undefined : `${owners[0]}/${name}`;
  }

  #lookUp(fullName: string, kind?: ModelData["kind"]): FoundModel | undefined {
    try {
      return this.#registry.findModel(fullName, kind);
    } catch (error) {
      if (error instanceof UnknownModelError) return undefined;
      throw error;
    }
  }

  async #listSuggestions(usable: readonly string[], kind: ModelData["kind"]): Promise<string[]> {
    const models = usable.flatMap((provider) =>
      this.#registry
        .listModels(provider)
        .filter((model) => model.kind === kind && model.retired === undefined)
        .map(({ name }) => `${provider}/${name}`),
    );
    return [...this.#aliases.keys(), ...models];
  }
}
