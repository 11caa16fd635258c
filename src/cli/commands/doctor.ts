import { accessSync, constants } from "node:fs";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount, formatMany } from "#src/cli/format/format-number.ts";
import { readVersion } from "#src/cli/version.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import type { Config } from "#src/config/config.ts";
import { ConfigError, coerceError, RunError } from "#src/core/errors.ts";
import { formatLane } from "#src/core/lane.ts";
import type { LaneStatus } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { checkServer } from "#src/redis/check-server.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { startPrivateRedis } from "#src/redis/private/private-server.ts";
import { describeRedis, parseRedisUrl } from "#src/redis/url.ts";
import { countWorkers } from "#src/state/workers/worker-list.ts";

export interface DoctorCommandOptions {
  readonly json: boolean;
  readonly config?: string;
}

/** `ok`: as it should be. `note`: worth knowing. `warning`: a promise is weaker. `problem`: something will not work. */
interface DoctorFinding {
  readonly area: string;
  readonly level: "ok" | "note" | "warning" | "problem";
  readonly message: string;
  readonly hint?: string;
}

/** `sluice doctor`: what is wrong and the mend. Exit code 2 when something will not work. */
export async function runDoctor(options: DoctorCommandOptions): Promise<number> {
  const findings: DoctorFinding[] = [
    { area: "versions", level: "ok", message: `sluice ${readVersion()}, Node ${process.versions.node}` },
  ];
  const config = readConfig(options, findings);
  if (config) {
    findings.push(...examineProviders(config));
    findings.push(...(await examineRedis(config)));
  }
  process.stdout.write(options.json ? `${JSON.stringify(findings)}\n` : describeFindings(findings));
  return findings.some((finding) => finding.level === "problem") ? EXIT_CODES.couldNotComplete : EXIT_CODES.ok;
}

function readConfig(options: DoctorCommandOptions, findings: DoctorFinding[]): Config | undefined {
  try {
    const config = openConfig(options.config);
    findings.push({
      area: "settings",
      level: "ok",
      message: config.file ?? "environment only (no sluice.yaml)",
    });
    for (const message of config.warnings) findings.push({ area: "settings", level: "warning", message });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const message of error.problems) findings.push({ area: "settings", level: "problem", message });
    return undefined;
  }
}

function examineProviders(config: Config): DoctorFinding[] {
  const findings = config.registry.providers.flatMap(({ name }) => {
    const accounts = config.accounts(name);
    if (accounts.length === 0) {
      const message = `not configured: ${describeMissing(config.missing(name))}`;
      return [{ area: name, level: "note" as const, message }];
    }
    const found: DoctorFinding[] = [
      {
        area: name,
        level: "ok",
        message: `${formatMany(accounts.length, "account")}, ${accounts[0]?.baseUrl}`,
      },
    ];
    for (const account of accounts) {
      for (const model of config.registry.listModels(name)) {
        const limits = resolveLaneLimits(config, {
          provider: name,
          account: account.name,
          model: model.name,
        });
        const hasOwnLimits = config.limits({ provider: name, account: account.name, model: model.name }) !== undefined;
        const { requestsPerMinute, tokensPerMinute, concurrency } = limits;
        const parts = [
          requestsPerMinute === undefined ? [] : [`${formatCount(requestsPerMinute)} requests/min`],
          tokensPerMinute === undefined ? [] : [`${formatCount(tokensPerMinute)} tokens/min`],
          concurrency === undefined ? [] : [`${formatCount(concurrency)} at once`],
        ].flat();
        if (parts.length === 0) continue;
        const origin = hasOwnLimits ? "from sluice.yaml" : "usual for a new account; set your own in sluice.yaml";
        found.push({
          area: name,
          level: "ok",
          message: `${model.name} (${account.name}): ${parts.join(", ")}, ${origin}`,
        });
      }
    }
    return found;
  });
  if (!findings.some((finding) => finding.level === "ok")) {
    findings.push({
      area: "providers",
      level: "problem",
      message: "no provider has credentials",
      hint: 'set a key in the environment or in .env; "sluice demo" and "sluice simulate" need none',
    });
  }
  return findings;
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
    const server = await startPrivateRedis(config.home, {
      serverPath: config.redisServer,
    });
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
  const findings: DoctorFinding[] = [
    { area: "redis", level: "ok", message: `${check.flavour} ${check.version}` },
    ...check.findings.map(({ level, message, hint }) => ({
      area: "redis",
      level: levels[level],
      message,
      hint,
    })),
  ];
  const keys = createKeys(config.namespace);
  const workers = await countWorkers(client, keys);
  findings.push({ area: "workers", level: "ok", message: `${formatMany(workers, "worker")} alive` });
  const limiter = createRedisLimiter(client, keys);
  for (const { name } of config.registry.providers) {
    for (const { name: account } of config.accounts(name)) {
      for (const model of config.registry.listModels(name)) {
        const lane = { provider: name, account, model: model.name };
        const status = await limiter.status(lane, resolveLaneLimits(config, lane));
        const set = describeManualLimits(status);
        if (set !== "") {
          findings.push({
            area: name,
            level: "note",
            message: `${model.name} (${account}): ${set}, set with "sluice set-limit"`,
            hint: `"sluice set-limit ${formatLane(lane)} --clear" goes back to what is configured`,
          });
        }
        if (status.state !== "parked") continue;
        const hint = "mend the cause; the next run on this lane opens it again";
        findings.push({
          area: name,
          level: "warning",
          message: `${model.name} (${account}) is parked: ${status.reason}`,
          hint,
        });
      }
    }
  }
  return findings;
}

/** The limits that a person set for all workers, or "". */
function describeManualLimits({ requests, tokens, concurrency }: LaneStatus): string {
  return [
    requests.set ? [`${formatCount(requests.allowed)} requests/min`] : [],
    tokens.set ? [`${formatCount(tokens.allowed)} tokens/min`] : [],
    concurrency.set ? [`${formatCount(concurrency.allowed)} at once`] : [],
  ]
    .flat()
    .join(", ");
}

/** "A is not set", "A and B are not set". */
function describeMissing(names: readonly string[]): string {
  const [last = "", ...others] = [...names].reverse();
  if (others.length === 0) return `${last} is not set`;
  return `${others.reverse().join(", ")} and ${last} are not set`;
}

const LEVEL_LABELS = { ok: "ok", note: "note", warning: "WARNING", problem: "PROBLEM" } as const;

/** In columns as wide as the longest word in them, whatever a provider is called. */
function describeFindings(findings: readonly DoctorFinding[]): string {
  const width = Math.max(...findings.map(({ area }) => area.length));
  return findings
    .map(({ area, level, message, hint }) => {
      const head = `${LEVEL_LABELS[level].padEnd(7)}  ${area.padEnd(width)}  `;
      const hints = hint === undefined ? [] : hint.split("\n");
      return [`${head}${message}`, ...hints.map((part) => " ".repeat(head.length) + part), ""].join("\n");
    })
    .join("");
}
