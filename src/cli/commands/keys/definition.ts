import { InvalidArgumentError } from "commander";
import {
  argument,
  choiceOption,
  defineCommand,
  flag,
  inGroup,
  value,
  valueOr,
} from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";
import { parseDuration } from "#src/config/value-schemas.ts";
import { MAX_TENANT_WEIGHT } from "#src/queues/payload.ts";
import { API_KEY_NAME, MAX_BUDGET } from "#src/state/api-keys/api-key.ts";

const DEFAULT_TENANT = "default";
const DEFAULT_CURRENCY = "USD";

function parseName(text: string): string {
  if (API_KEY_NAME.test(text)) return text;
  throw new InvalidArgumentError(
    "expected up to 64 letters, digits, spaces, and . _ @ -, beginning with a letter or digit.",
  );
}

/** Full names of models, or `provider/*`, separated by commas. */
function parseModels(text: string): string[] {
  const models = [...new Set(text.split(",").map((model) => model.trim()))];
  if (models.every((model) => /^[^/\s*]+\/(?:\*|[^\s*]+)$/.test(model))) return models;
  throw new InvalidArgumentError("expected models separated by commas, such as minimax/embo-01,zhipu/*.");
}

function parseBudget(text: string): number {
  const amount = Number(text);
  if (amount > 0 && amount <= MAX_BUDGET) return amount;
  throw new InvalidArgumentError(`expected an amount of more than 0 and at most ${MAX_BUDGET}.`);
}

function parseCurrency(text: string): string {
  if (/^[A-Z]{3}$/.test(text)) return text;
  throw new InvalidArgumentError("expected a currency code of three capital letters, such as CNY or USD.");
}

function parseWeight(text: string): number {
  const weight = Number(text);
  if (Number.isInteger(weight) && weight >= 1 && weight <= MAX_TENANT_WEIGHT) return weight;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MAX_TENANT_WEIGHT}.`);
}

/** Epoch ms of the end, from a duration such as "30d" or a date in UTC. */
function parseExpiry(text: string): number {
  const duration = parseDuration(text);
  const at = duration !== undefined ? Date.now() + duration : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (at > Date.now()) return at;
  throw new InvalidArgumentError('expected a duration such as "30d", or a date in the future such as 2030-01-31.');
}

export const keysCreateCommand = defineCommand({
  name: "keys create",
  group: "Operate",
  summary: "Create an API key for the HTTP API",
  description:
    "Creates a key for the HTTP API and prints it. It cannot be shown again: Redis stores its hash only. As soon as there is a key, the API answers no request without one.",
  arguments: [argument("name", "name of the key, by which lists and logs refer to it")],
  options: {
    ...inGroup(OPTION_GROUPS.access, {
      tenant: valueOr(
        DEFAULT_TENANT,
        "name",
        "tenant that the key belongs to: keys see the work of their tenant only",
        parseName,
      ),
      role: choiceOption("role", "admin also operates the server and sees its metrics", ["user", "admin"]),
      models: value("list", "models that it may use, such as minimax/embo-01,zhipu/* (default: all)", parseModels),
      expires: value("when", "duration, such as 30d, or date until which it is valid (default: no end)", parseExpiry),
    }),
    ...inGroup(OPTION_GROUPS.limits, {
      requestsPerMinute: value("n", "requests in any 60 seconds", parsePositiveInteger),
      tokensPerMinute: value("n", "tokens in any 60 seconds", parsePositiveInteger),
      dailyBudget: value("amount", "maximum cost of a day (UTC)", parseBudget),
      monthlyBudget: value("amount", "maximum cost of a calendar month (UTC)", parseBudget),
      currency: valueOr(
        DEFAULT_CURRENCY,
        "code",
        "currency of the budgets; models with a price in another currency, or without one, are then refused",
        parseCurrency,
      ),
      weight: valueOr(1, "n", "share of a lane in relation to other tenants that use it at the same time", parseWeight),
    }),
    ...JSON_OUTPUT,
  },
  examples: [
    "sluice keys create laptop",
    "sluice keys create search-service --tenant search --models minimax/embo-01 --requests-per-minute 600",
    "sluice keys create ci --tenant research --models 'zhipu/*' --daily-budget 20 --currency CNY --expires 30d",
    "sluice keys create operations --role admin",
  ],
});

export const keysListCommand = defineCommand({
  name: "keys list",
  group: "Operate",
  summary: "List the API keys, their limits, and what they spent",
  description:
    "Lists the API keys of this Redis with their limits and what they have spent. Revoked and expired keys are listed for 90 days with --all.",
  arguments: [],
  options: {
    ...inGroup(OPTION_GROUPS.output, { all: flag("list revoked and expired keys, too") }),
    ...JSON_OUTPUT,
  },
  examples: ["sluice keys list", "sluice keys list --all", "sluice keys list --json"],
});

export const keysRevokeCommand = defineCommand({
  name: "keys revoke",
  group: "Operate",
  summary: "Revoke an API key on all servers at once",
  description:
    "Revokes an API key. From then on, all servers refuse it. Answers that are being sent are completed, and work that was submitted with it continues.",
  arguments: [argument("key", "id or name of the key")],
  options: JSON_OUTPUT,
  examples: ["sluice keys revoke laptop", "sluice keys revoke 3f9c2d41a07be865"],
});
