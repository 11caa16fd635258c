import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatLimits } from "#src/cli/format/format-limits.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { formatLane, type Lane, type LaneLimits, parseLane, pickLimits } from "#src/core/lane.ts";
import { listUsages } from "#src/limiter/lane-status.ts";
import type { LimitUsage } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import type { setLimitCommand } from "./definition.ts";

/** `sluice set-limit`: sets the limits of a lane for all workers, overriding their configuration. */
export async function runSetLimit(name: string, options: OptionValues<typeof setLimitCommand>): Promise<number> {
  const { clear } = options;
  const limits = pickLimits(options);
  if (!clear && Object.keys(limits).length === 0) {
    throw CLI_ERRORS.noLimitGiven();
  }
  const config = loadConfig({ file: options.config });
  const lane = findLane(config, name);
  const redis = await openConfiguredRedis(config);
  try {
    const limiter = createRedisLimiter(redis.source.connect("commands"), createKeys(config.namespace));
    if (clear) await limiter.clearLimits(lane);
    await limiter.setLimits(lane, limits);
    const status = await limiter.status(lane, resolveLaneLimits(config, lane));
    if (options.json) {
      const { requests, tokens, concurrency, windows } = status;
      process.stdout.write(`${JSON.stringify({ lane: formatLane(lane), requests, tokens, concurrency, windows })}\n`);
      return EXIT_CODES.ok;
    }
    const parts = listUsages(status).flatMap(([field, usage]) => describeLimit({ [field]: usage.allowed }, usage));
    process.stdout.write(
      `${formatLane(lane)}: ${parts.length === 0 ? "no known limit" : parts.join(", ")}\n` +
        "  This applies to all workers from now on. --clear returns to the configured limits.\n",
    );
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}

function describeLimit(limit: LaneLimits, { set, reported }: LimitUsage): string[] {
  const text = formatLimits(limit);
  const origin = set ? " (manual)" : reported ? " (reported by the provider)" : "";
  return text === "" ? [] : [`${text}${origin}`];
}

/** The lane must be able to exist: a limit on a misspelled lane would have no effect. */
function findLane(config: Config, name: string): Lane {
  const lane = parseLane(name);
  if (!lane) throw CLI_ERRORS.invalidLane(name);
  writeModelNotices(config, [`${lane.provider}/${lane.model}`]);
  const names = config.accounts(lane.provider).map((account) => account.name);
  if (names.length > 0 && !names.includes(lane.account)) {
    throw CLI_ERRORS.unknownAccount(lane.provider, lane.account, names, config.missing(lane.provider));
  }
  return lane;
}
