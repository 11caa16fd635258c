import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount, formatShortCount, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { type Column, formatTable } from "#src/cli/format/format-table.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import type { Config } from "#src/config/config.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import type { ModelData, ModelPrice } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { describeSetup, type ProviderSetup } from "./providers.ts";

export interface ModelsCommandOptions {
  readonly json: boolean;
  readonly config?: string;
}

/** What is known of a model with this configuration; a figure that is not known is absent. */
export interface ModelView extends Omit<ModelData, "name"> {
  /** "provider/model" */
  readonly model: string;
  readonly configured: boolean;
  /** Variables without which it cannot be called. */
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
export async function runModels(provider: string | undefined, options: ModelsCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const { providers, findProvider } = config.registry;
  const entries = provider === undefined ? providers : [findProvider(provider)];
  const views = entries.flatMap((entry) => describeModels(config, entry));
  process.stdout.write(
    options.json ? `${JSON.stringify(views)}\n` : `${formatModels(views)}\n${describeUnlistedModels(entries)}`,
  );
  return EXIT_CODES.ok;
}

/** Which providers have more models than are listed. */
function describeUnlistedModels(entries: readonly ProviderEntry[]): string {
  const open = entries.filter(({ acceptsAnyModel }) => acceptsAnyModel).map(({ name }) => `${name}/...`);
  return open.length === 0 ? "" : `\nAny other model your server has can be named as well: ${open.join(", ")}\n`;
}

/** The models of a provider as this configuration sees them: the user's limits and prices before the published ones. */
export function describeModels(config: Config, entry: ProviderEntry): ModelView[] {
  const setup = describeSetup(config, entry.name);
  return config.registry.listModels(entry.name).map((data) => describeModel(config, entry.name, data, setup));
}

function describeModel(config: Config, provider: string, data: ModelData, setup: ProviderSetup): ModelView {
  const account = setup.accounts[0] ?? "default";
  const limits = resolveLaneLimits(config, { provider, account, model: data.name });
  const price = config.price(provider, data.name) ?? data.price;
  const { name, ...rest } = data;
  return {
    model: `${provider}/${name}`,
    ...rest,
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(price && { price }),
    configured: setup.accounts.length > 0,
    missing: setup.missing,
  };
}

/** The table as a person reads it; what is not known is "-". */
export function formatModels(views: readonly ModelView[]): string {
  return formatTable(
    COLUMNS,
    views.map((view) => [
      view.model,
      view.kind,
      formatCount(view.maxTokens),
      formatCount(view.maxOutputTokens),
      formatCount(view.dimensions),
      formatCount(view.maxInputs),
      formatLimits(view.limits),
      formatPrice(view.price),
      view.configured ? "yes" : `no: ${view.missing.join(", ")} not set`,
    ]),
  );
}

function formatLimits(limits: LaneLimits | undefined): string {
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits ?? {};
  const parts = [
    requestsPerMinute === undefined ? undefined : `${formatCount(requestsPerMinute)} req/min`,
    tokensPerMinute === undefined ? undefined : `${formatShortCount(tokensPerMinute)} tok/min`,
    concurrency === undefined ? undefined : `${formatCount(concurrency)} at once`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? UNKNOWN_VALUE : parts.join(", ");
}

/** "0.30 in, 1.20 out USD"; one figure when both are the same. */
function formatPrice(price: ModelPrice | undefined): string {
  if (!price) return UNKNOWN_VALUE;
  const { inputPerMillionTokens: input, outputPerMillionTokens: output, currency } = price;
  if (input === output) return input === undefined ? UNKNOWN_VALUE : `${formatAmount(input)} ${currency}`;
  const parts = [
    input === undefined ? undefined : `${formatAmount(input)} in`,
    output === undefined ? undefined : `${formatAmount(output)} out`,
  ].filter((part) => part !== undefined);
  return `${parts.join(", ")} ${currency}`;
}

function formatAmount(amount: number): string {
  return amount.toLocaleString("en-US", { maximumFractionDigits: 4 });
}
