import { accessSync, constants } from "node:fs";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatLimits, formatLimitUnit } from "#src/cli/format/format-limits.ts";
import { formatCount, formatMany } from "#src/cli/format/format-number.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { DOCTOR_HINTS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { readVersion } from "#src/cli/version.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { describeRetirement } from "#src/cli/wiring/model-notices.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { ConfigError, coerceError, RunError } from "#src/core/failures/errors.ts";
import { formatLane, type Lane } from "#src/core/lane.ts";
import { listUsages } from "#src/limiter/lane-status.ts";
import type { LaneStatus } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { checkServer } from "#src/redis/check-server.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { startPrivateRedis } from "#src/redis/private-server/private-server.ts";
import { describeRedis, parseRedisUrl } from "#src/redis/url.ts";
import { findLimitConflicts } from "#src/state/workers/limit-conflicts.ts";
import { listWorkers } from "#src/state/workers/worker-list.ts";
import type { doctorCommand } from "./definition.ts";
import { type DoctorFinding, describeFindings } from "./describe-findings.ts";
import { testKeys } from "./test-keys.ts";

/** Vendors add and retire models every few weeks. */
const CATALOGUE_AGE_MS = 90 * 86_400_000;

/** `sluice doctor`: what is wrong and how to fix it. The exit code is 2 if something will not work. */
export async function runDoctor(options: OptionValues<typeof doctorCommand>): Promise<number> {
  const findings: DoctorFinding[] = [
    { area: "versions", level: "ok", message: `sluice ${readVersion()}, Node ${process.versions.node}` },
  ];
  const interrupt = listenForInterrupt();
  const config = readConfig(options.config, findings);
  if (config) {
    findings.push(examineCatalogue(config), ...examineProviders(config));
    findings.push(...(await examineRedis(config)));
    if (options.ping) findings.push(...(await testKeys(config, interrupt.signal)));
  }
  interrupt.dispose();
  if (interrupt.signal.aborted) return EXIT_CODES.interrupted;
  process.stdout.write(options.json ? `${JSON.stringify(findings)}\n` : describeFindings(findings, options.all));
  return findings.some((finding) => finding.level === "problem") ? EXIT_CODES.couldNotComplete : EXIT_CODES.ok;
}

function readConfig(file: string | undefined, findings: DoctorFinding[]): Config | undefined {
  try {
    const config = loadConfig({ file });
    findings.push({ area: "settings", level: "ok", message: config.file ?? "environment only (no sluice.yaml)" });
    for (const message of config.warnings) findings.push({ area: "settings", level: "warning", message });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const message of error.problems) findings.push({ area: "settings", level: "problem", message });
    return undefined;
  }
}

function examineCatalogue({ registry, catalogueFile }: Config): DoctorFinding {
  const { catalogue, problem } = registry.catalogue;
  const message = `catalogue of ${catalogue.date}, from ${catalogue.source}`;
  const area = "models";
  if (problem !== undefined) {
    const text = `${message}: the refreshed one, ${catalogueFile}, cannot be used (${sanitize(problem)})`;
    return { area, level: "warning", message: text, hint: DOCTOR_HINTS.refresh };
  }
  const isOld = Date.now() - Date.parse(catalogue.date) > CATALOGUE_AGE_MS;
  return { area, level: isOld ? "note" : "ok", message, hint: isOld ? DOCTOR_HINTS.refresh : undefined };
}

function examineProviders(config: Config): DoctorFinding[] {
  const area = "providers";
  const names = config.registry.providers.map(({ name }) => name);
  const findings = names.flatMap((name) => examineProvider(config, name));
  const [configured, others] = [true, false].map((wanted) =>
    names.filter((name) => config.accounts(name).length > 0 === wanted),
  );
  if (!configured?.length) {
    return [
      ...findings,
      { area, level: "problem", message: "no provider has credentials", hint: DOCTOR_HINTS.noCredentials },
    ];
  }
  findings.push({ area, level: "ok", message: `configured: ${configured.join(", ")}` });
  if (others?.length) {
    const hint = DOCTOR_HINTS.missingVariables;
    findings.push({ area, level: "note", message: `${others.length} others are not configured`, hint });
  }
  return findings;
}

function examineProvider(config: Config, name: string): DoctorFinding[] {
  const accounts = config.accounts(name);
  if (accounts.length === 0) {
    const message = `not configured: ${describeMissing(config.missing(name))}`;
    return [{ area: name, level: "note", message, isDetail: true }];
  }
  const summary = `${formatMany(accounts.length, "account")}, ${accounts[0]?.baseUrl}`;
  const findings: DoctorFinding[] = [{ area: name, level: "ok", message: summary, isDetail: true }];
  for (const { name: model, retired } of config.registry.listModels(name)) {
    if (!retired) continue;
    findings.push({ area: name, level: "note", message: `${model} ${describeRetirement(retired, Date.now())}` });
  }
  for (const lane of listLanes(config, name)) {
    const limits = formatLimits(resolveLaneLimits(config, lane));
    if (limits === "") continue;
    const isConfigured = config.limits(lane) !== undefined;
    const origin = isConfigured ? "from sluice.yaml" : "usual for a new account; set your own in sluice.yaml";
    const message = `${lane.model} (${lane.account}): ${limits}, ${origin}`;
    findings.push({ area: name, level: "ok", message, isDetail: true });
  }
  return findings;
}

/** The lanes of all accounts and all known models of a provider. */
function listLanes(config: Config, provider: string): Lane[] {
  const models = config.registry.listModels(provider);
  return config
    .accounts(provider)
    .flatMap((account) => models.map((model) => ({ provider, account: account.name, model: model.name })));
}

async function examineRedis(config: Config): Promise<DoctorFinding[]> {
  const area = "redis";
  try {
    if (config.redisUrl !== undefined) {
      const target = parseRedisUrl(config.redisUrl.reveal());
      const source = openRedis(target);
      try {
        await source.assertReachable();
        return [{ area, level: "ok", message: describeRedis(target) }, ...(await examineServer(source, config))];
      } finally {
        await source.close();
      }
    }
    accessSync(config.home, constants.W_OK);
    const server = await startPrivateRedis(config.home, { serverPath: config.redisServer });
    const source = openRedis(server.target);
    try {
      const message = `private, in ${config.home}/.sluice/redis (REDIS_URL is not set)`;
      return [{ area, level: "ok", message }, ...(await examineServer(source, config))];
    } finally {
      await source.close();
      await server.leave();
    }
  } catch (thrown) {
    const error = coerceError(thrown);
    const hint = error instanceof RunError ? error.hint : undefined;
    return [{ area, level: "problem", message: error.message, hint }];
  }
}

async function examineServer(source: RedisSource, config: Config): Promise<DoctorFinding[]> {
  const client = source.connect("commands");
  const check = await checkServer(client);
  const levels = { refusal: "problem", warning: "warning", note: "note" } as const;
  const keys = createKeys(config.namespace);
  const workers = await listWorkers(client, keys);
  const alive = workers.filter(({ state }) => state === "alive").length;
  const limiter = createRedisLimiter(client, keys);
  const findings: DoctorFinding[] = [
    { area: "redis", level: "ok", message: `${check.flavour} ${check.version}` },
    ...check.findings.map(({ level, message, hint }) => ({ area: "redis", level: levels[level], message, hint })),
    { area: "workers", level: "ok", message: `${formatMany(alive, "worker")} running` },
    ...findLimitConflicts(workers).map(
      ({ lane, limits }): DoctorFinding => ({
        area: "workers",
        level: "warning",
        message: `workers have different limits for ${lane}: ${limits}`,
        hint: DOCTOR_HINTS.limitsDiffer,
      }),
    ),
  ];
  for (const lane of config.registry.providers.flatMap(({ name }) => listLanes(config, name))) {
    findings.push(...examineLane(lane, await limiter.status(lane, resolveLaneLimits(config, lane))));
  }
  return findings;
}

/** Manual limits, and why a lane is parked. */
function examineLane(lane: Lane, status: LaneStatus): DoctorFinding[] {
  const { state, reason, requests, tokens, windows } = status;
  const area = lane.provider;
  const name = `${lane.model} (${lane.account})`;
  const manualLimits = formatLimits(
    Object.fromEntries(listUsages(status).flatMap(([field, usage]) => (usage.set ? [[field, usage.allowed]] : []))),
  );
  const findings: DoctorFinding[] = [];
  if (manualLimits !== "") {
    const message = `${name}: ${manualLimits}, set manually`;
    findings.push({ area, level: "note", message, hint: DOCTOR_HINTS.manualLimit(formatLane(lane)) });
  }
  const now = Date.now();
  for (const [dimension, { quota }] of Object.entries({ requests, tokens })) {
    if (!quota) continue;
    const resetAt = new Date(now + quota.resetMs).toISOString();
    const left = `${formatCount(quota.left)} of ${formatMany(quota.limit, dimension.slice(0, -1))} left until ${resetAt}`;
    findings.push({ area, level: "note", message: `${name}: ${left}` });
  }
  for (const { dimension, window, used, allowed } of windows) {
    if (allowed === undefined || window === "second") continue;
    const message = `${name}: ${formatCount(used)} of ${formatCount(allowed)} ${formatLimitUnit(dimension, window)} used`;
    findings.push({ area, level: "note", message });
  }
  if (state === "snoozed") findings.push({ area, level: "note", message: `${name} is waiting: ${reason}` });
  if (state === "parked") {
    findings.push({ area, level: "warning", message: `${name} is parked: ${reason}`, hint: DOCTOR_HINTS.parked });
  }
  return findings;
}

/** "A is not set", "A, B and C are not set". */
function describeMissing(names: readonly string[]): string {
  const list = new Intl.ListFormat("en-GB", { type: "conjunction" }).format(names);
  return `${list} ${names.length === 1 ? "is" : "are"} not set`;
}
