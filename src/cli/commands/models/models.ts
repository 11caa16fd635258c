import { describeSetup, type ProviderSetup } from "#src/cli/commands/providers/providers.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount, formatShortCount, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { type Column, formatTable } from "#src/cli/format/format-table.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
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
];

/** `sluice models [provider]`: every known model, its sizes, limits and prices, and what is missing to use it. */
export async function runModels(
  provider: string | undefined,
  options: OptionValues<typeof modelsCommand>,
): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { providers, findProvider } = config.registry;
  const entries = provider === undefined ? providers : [findProvider(provider)];
  const views = entries.flatMap((entry) => describeModels(config, entry));
  process.stdout.write(
    options.json ? `${JSON.stringify(views)}\n` : `${formatModels(views)}\n${describeUnlistedModels(entries)}`,
  );
  return EXIT_CODES.ok;
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
    ]),
  );
}

function formatShortLimits(limits: LaneLimits | undefined): string {
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits ?? {};
  const parts = [
    requestsPerMinute === undefined ? [] : `${formatCount(requestsPerMinute)} req/min`,
    tokensPerMinute === undefined ? [] : `${formatShortCount(tokensPerMinute)} tok/min`,
    concurrency === undefined ? [] : `${formatCount(concurrency)} concurrent`,
  ].flat();
  return parts.length === 0 ? UNKNOWN_VALUE : parts.join(", ");
}

/** "0.3 in, 1.2 out USD"; one number if both are equal. */
function formatPrice(price: TokenPrice | undefined): string {
  if (!price) return UNKNOWN_VALUE;
  const { inputPerMillionTokens: input, outputPerMillionTokens: output, currency } = price;
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
