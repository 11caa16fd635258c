import { describeSetup, type ProviderSetup } from "#src/cli/commands/providers/providers.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatLimitUnit } from "#src/cli/format/format-limits.ts";
import { formatCount, formatMany, formatShortCount, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { type Column, formatTable } from "#src/cli/format/format-table.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { readTransportOptions, resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { describeRetirement } from "#src/cli/wiring/model-notices.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { type LaneLimits, RATE_LIMITS } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import { CATALOGUE_URL } from "#src/providers/catalogue/read-catalogue.ts";
import { refreshCatalogue } from "#src/providers/catalogue/refresh-catalogue.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { listCatalogueNames } from "#src/providers/registry.ts";
import { createDispatcher } from "#src/providers/transport/http.ts";
import type { modelsCommand } from "./definition.ts";

/** A model as this configuration sees it; unknown values are absent. */
interface ModelView extends Omit<ModelData, "name"> {
  /** "provider/model" */
  readonly model: string;
  readonly configured: boolean;
  /** Variables that must be set to call the model. */
  readonly missing: readonly string[];
}

const COLUMNS: readonly Column[] = [
  { title: "model" },
  { title: "kind" },
  { title: "context", align: "right" },
  { title: "output", align: "right" },
  { title: "dimensions", align: "right" },
  { title: "inputs/call", align: "right" },
  { title: "limits" },
  { title: "price per M tokens" },
  { title: "configured" },
  { title: "status" },
];

/** `sluice models [provider]`: every known model, its sizes, limits and prices, and what is missing to use it. */
export async function runModels(
  provider: string | undefined,
  options: OptionValues<typeof modelsCommand>,
): Promise<number> {
  const config = loadConfig({ file: options.config });
  if (options.refresh !== undefined) await refresh(options.refresh === true ? CATALOGUE_URL : options.refresh, config);
  const { providers, findProvider } = config.registry;
  const entries = provider === undefined ? providers : [findProvider(provider)];
  const views = entries.flatMap((entry) => describeModels(config, entry));
  process.stdout.write(
    options.json ? `${JSON.stringify(views)}\n` : `${formatModels(views)}\n${describeUnlistedModels(entries)}`,
  );
  return EXIT_CODES.ok;
}

/** Gets the newest catalogue, which the registry has not read yet. A failure is reported, and the old one stays in use. */
async function refresh(source: string, config: Config): Promise<void> {
  const interrupt = listenForInterrupt();
  const dispatcher = createDispatcher(readTransportOptions(config));
  try {
    const { catalogueFile: target } = config;
    const names = listCatalogueNames();
    const { signal } = interrupt;
    const options = { source, target, names, dispatcher, now: Date.now(), signal };
    const { providers } = await refreshCatalogue(options);
    const models = Object.values(providers).reduce((sum, each) => sum + Object.keys(each.models).length, 0);
    process.stderr.write(`sluice: the catalogue has ${formatMany(models, "model")} now; it is in ${target}\n`);
  } catch (error) {
    const reason = sanitize(coerceError(error).message);
    const { date } = config.registry.catalogue.catalogue;
    process.stderr.write(
      `sluice: ${sanitize(source.replace(/\/\/[^/@]*@/, "//"))}: ${reason}. The catalogue of ${date} stays in use.\n`,
    );
  } finally {
    await dispatcher.destroy();
    interrupt.dispose();
  }
}

/** The providers that accept models beyond the listed ones. */
function describeUnlistedModels(entries: readonly ProviderEntry[]): string {
  const open = entries.filter(({ isSelfHosted }) => isSelfHosted).map(({ name }) => `${name}/...`);
  return open.length === 0 ? "" : `\nThese providers accept any model of your server: ${open.join(", ")}\n`;
}

/** The models of a provider. Configured limits and prices override the published ones. */
function describeModels(config: Config, entry: ProviderEntry): ModelView[] {
  const setup = describeSetup(config, entry.name);
  return config.registry.listModels(entry.name).map((data) => describeModel(config, entry.name, data, setup));
}

function describeModel(config: Config, provider: string, data: ModelData, setup: ProviderSetup): ModelView {
  const account = setup.accounts[0] ?? "default";
  const limits = resolveLaneLimits(config, { provider, account, model: data.name });
  const { name, ...rest } = data;
  return {
    model: `${provider}/${name}`,
    ...rest,
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    configured: setup.accounts.length > 0,
    missing: setup.missing,
  };
}

function formatModels(views: readonly ModelView[]): string {
  return formatTable(
    COLUMNS,
    views.map((view) => [
      view.model,
      view.kind,
      formatCount(view.maxTokens),
      formatCount(view.maxOutputTokens),
      formatCount(view.dimensions),
      formatCount(view.maxInputs),
      formatShortLimits(view.limits),
      formatPrice(view.price),
      view.configured ? "yes" : `no: set ${view.missing.join(", ")}`,
      view.retired ? describeRetirement(view.retired, Date.now()) : (view.status ?? ""),
    ]),
  );
}

const SHORT_DIMENSIONS = { requests: "req", tokens: "tok" } as const;

function formatShortLimits(limits: LaneLimits = {}): string {
  const { concurrency } = limits;
  const parts = RATE_LIMITS.flatMap(({ dimension, window, field }) => {
    const { [field]: limit } = limits;
    const amount = dimension === "tokens" ? formatShortCount(limit) : formatCount(limit);
    return limit === undefined ? [] : `${amount} ${formatLimitUnit(SHORT_DIMENSIONS[dimension], window)}`;
  });
  if (concurrency !== undefined) parts.push(`${formatCount(concurrency)} concurrent`);
  return parts.length === 0 ? UNKNOWN_VALUE : parts.join(", ");
}

/** "0.3 in, 1.2 out USD"; one number if both are equal. */
function formatPrice(price: TokenPrice | undefined): string {
  if (!price) return UNKNOWN_VALUE;
  const { inputPerMillionTokens: input, outputPerMillionTokens: output } = price;
  const currency = price.windows ? `${price.currency} (depends on the time)` : price.currency;
  if (input === output) return input === undefined ? UNKNOWN_VALUE : `${formatAmount(input)} ${currency}`;
  const parts = [
    input === undefined ? [] : `${formatAmount(input)} in`,
    output === undefined ? [] : `${formatAmount(output)} out`,
  ].flat();
  return `${parts.join(", ")} ${currency}`;
}

function formatAmount(amount: number): string {
  return amount.toLocaleString("en-US", { maximumFractionDigits: 4 });
}
