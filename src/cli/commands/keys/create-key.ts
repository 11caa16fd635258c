import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { listModelNotices } from "#src/cli/wiring/model-notices.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { API_KEY_NAME } from "#src/state/api-keys/api-key.ts";
import type { keysCreateCommand } from "./definition.ts";
import { describeKeyLimits, toKeyJson } from "./describe-key.ts";
import { withKeyStore } from "./open-key-store.ts";

/** `sluice keys create` */
export async function runCreateKey(name: string, options: OptionValues<typeof keysCreateCommand>): Promise<number> {
  if (!API_KEY_NAME.test(name)) throw CLI_ERRORS.invalidKeyName(name);
  const { tenant, role, models, requestsPerMinute, tokensPerMinute, dailyBudget, monthlyBudget } = options;
  const { currency, weight, expires: expiresAt, json } = options;
  const hasBudget = dailyBudget !== undefined || monthlyBudget !== undefined;
  const notices = listKeyNotices(loadConfig({ file: options.config }), models ?? [], hasBudget ? currency : undefined);
  for (const notice of notices) process.stderr.write(`sluice: ${notice}\n`);
  const limits = { requestsPerMinute, tokensPerMinute, dailyBudget, monthlyBudget };
  const wanted = { name, tenant, role, currency, weight, ...omitUndefined({ models, expiresAt, ...limits }) };
  const created = await withKeyStore(options.config, ({ store }) => store.create(wanted));
  if (!created) throw CLI_ERRORS.keyNameTaken(name);
  const { key, token } = created;
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...toKeyJson(key, Date.now()), key: token })}\n`);
    return EXIT_CODES.ok;
  }
  const access = models === undefined ? "all models" : models.join(", ");
  const details = [`id ${key.id}`, `tenant ${tenant}`, access, describeKeyLimits(key)].filter((part) => part !== "");
  // The key alone on stdout, so that a script can read it.
  process.stderr.write(`Created the key "${name}": ${details.join("; ")}.\nIt is shown only now:\n`);
  process.stdout.write(`${token}\n`);
  return EXIT_CODES.ok;
}

/**
 * What is likely a mistake about the models of a key with budgets in this currency, if any; one sentence each. Throws
 * UnknownModelError for an unknown provider.
 */
function listKeyNotices(config: Config, models: readonly string[], currency: string | undefined): string[] {
  const [single, patterns] = [
    models.filter((name) => !name.endsWith("/*")),
    models.filter((name) => name.endsWith("/*")),
  ];
  for (const pattern of patterns) config.registry.findProvider(pattern.slice(0, -2));
  const unpriced = single.flatMap((name) => {
    const { price } = config.registry.findModel(name).model;
    if (currency === undefined || price?.currency === currency) return [];
    const why = price === undefined ? "it has no known price" : `its price is in ${price.currency}`;
    return [`the key cannot use ${name}, because ${why} and its budgets are in ${currency}`];
  });
  return [...listModelNotices(config, single, Date.now()), ...unpriced];
}
