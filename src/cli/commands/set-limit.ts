import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import type { Config } from "#src/config/config.ts";
import { ConfigError, InputError } from "#src/core/errors.ts";
import { formatLane, type Lane, parseLane } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ManualLimits } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";

export interface SetLimitCommandOptions {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrency?: number;
  readonly clear: boolean;
  readonly json: boolean;
  readonly config?: string;
}

/** `sluice set-limit`: a lane's limits for all workers, at once, whatever their configuration says. */
export async function runSetLimit(name: string, options: SetLimitCommandOptions): Promise<number> {
  const { requestsPerMinute, tokensPerMinute, concurrency, clear } = options;
  const limits: ManualLimits = omitUndefined({ requestsPerMinute, tokensPerMinute, concurrency });
  if (!clear && Object.keys(limits).length === 0) {
    throw new InputError(
      "say what to set: --requests-per-minute, --tokens-per-minute or --concurrency, or --clear to take back what was set",
    );
  }
  const config = openConfig(options.config);
  const lane = findLane(config, name);
  const redis = await openConfiguredRedis(config);
  try {
    const limiter = createRedisLimiter(redis.source.connect("commands"), createKeys(config.namespace));
    if (clear) await limiter.clearLimits(lane);
    await limiter.setLimits(lane, limits);
    const status = await limiter.status(lane, resolveLaneLimits(config, lane));
    const { requests, tokens, concurrency: atOnce } = status;
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ lane: formatLane(lane), requests, tokens, concurrency: atOnce })}\n`);
      return EXIT_CODES.ok;
    }
    const parts = [
      describeLimit(requests.allowed, "requests/min", requests.set),
      describeLimit(tokens.allowed, "tokens/min", tokens.set),
      describeLimit(atOnce.allowed, "at once", atOnce.set),
    ].flat();
    process.stdout.write(
      `${formatLane(lane)}: ${parts.length === 0 ? "no known limit" : parts.join(", ")}\n` +
        "  All workers keep to it from now on; --clear goes back to what is configured.\n",
    );
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}

function describeLimit(allowed: number | undefined, unit: string, set: true | undefined): string[] {
  if (allowed === undefined) return [];
  return [`${formatCount(allowed)} ${unit}${set ? " (set)" : ""}`];
}

/** The lane must be one that can exist: a limit on a misspelt one would hold nothing back. */
function findLane(config: Config, name: string): Lane {
  const lane = parseLane(name);
  if (!lane)
    throw new InputError(`"${name.slice(0, 100)}" is not a lane: expected provider/model or provider:account/model`);
  config.registry.findModel(`${lane.provider}/${lane.model}`);
  const names = config.accounts(lane.provider).map((account) => account.name);
  if (names.length > 0 && !names.includes(lane.account)) {
    throw new ConfigError([`${lane.provider} has no account "${lane.account}"; configured: ${names.join(", ")}`]);
  }
  return lane;
}
