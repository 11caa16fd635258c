import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { type Column, formatTable } from "#src/cli/format/format-table.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { providersCommand } from "./definition.ts";

/** How a provider is configured. */
export interface ProviderSetup {
  /** Names of the usable accounts. */
  readonly accounts: readonly string[];
  /** The base URL of the first account. */
  readonly baseUrl: string | undefined;
  /** Variables that must be set to use all accounts. */
  readonly missing: readonly string[];
}

const COLUMNS: readonly Column[] = [
  { title: "provider" },
  { title: "chat models", align: "right" },
  { title: "embedding models", align: "right" },
  { title: "rerank models", align: "right" },
  { title: "accounts" },
  { title: "base URL" },
  { title: "missing variables" },
];

/** `sluice providers`: every provider with its configured accounts and missing variables. */
export async function runProviders(options: OptionValues<typeof providersCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const views = config.registry.providers.map(({ name, defaultBaseUrl }) => ({
    provider: name,
    chatModels: countKind(config.registry.listModels(name), "chat"),
    embeddingModels: countKind(config.registry.listModels(name), "embedding"),
    rerankModels: countKind(config.registry.listModels(name), "rerank"),
    defaultBaseUrl,
    ...describeSetup(config, name),
  }));
  if (options.json) process.stdout.write(`${JSON.stringify(views)}\n`);
  else {
    const table = formatTable(
      COLUMNS,
      views.map((view) => [
        view.provider,
        formatCount(view.chatModels),
        formatCount(view.embeddingModels),
        formatCount(view.rerankModels),
        view.accounts.join(", ") || UNKNOWN_VALUE,
        view.baseUrl ?? view.defaultBaseUrl,
        view.missing.join(", ") || UNKNOWN_VALUE,
      ]),
    );
    process.stdout.write(`${table}\n`);
  }
  return EXIT_CODES.ok;
}

/** The accounts and the missing variables of a provider; both are empty for a provider without settings. */
export function describeSetup(config: Config, provider: string): ProviderSetup {
  if (!config.providers.includes(provider)) return { accounts: [], baseUrl: undefined, missing: [] };
  const accounts = config.accounts(provider);
  return {
    accounts: accounts.map(({ name }) => name),
    baseUrl: accounts[0]?.baseUrl,
    missing: config.missing(provider),
  };
}

function countKind(models: readonly ModelData[], kind: ModelData["kind"]): number {
  return models.filter((model) => model.kind === kind).length;
}
