import { setTimeout as sleep } from "node:timers/promises";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { Config } from "#src/config/config.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import type { EmbeddingPurpose, EmbeddingResponse } from "#src/providers/provider.ts";
import { createKeys } from "#src/redis/keys.ts";
import { LaneChooser } from "#src/workers/dispatch/lane-chooser.ts";
import { LaneRegistry, openTransport, requireLanes } from "./lanes.ts";
import { openConfiguredRedis } from "./open-redis.ts";

/** How often a reservation is requested while the lane is at its concurrency limit. */
const POLL_INTERVAL_MS = 20;

/**
 * Makes one embedding call. It takes a reservation like any other call, because a search during a run must not exceed the
 * provider's limits. The reservation precedes bulk work, because a person waits for it.
 */
export async function embedOnce(
  config: Config,
  fullName: string,
  request: {
    readonly inputs: readonly string[];
    readonly purpose: EmbeddingPurpose;
    readonly dimensions?: number | undefined;
  },
  signal: AbortSignal,
): Promise<EmbeddingResponse> {
  const [lane] = requireLanes(config, fullName);
  if (!lane) throw CLI_ERRORS.noAccount(fullName);
  const transport = openTransport(config);
  const redis = await openConfiguredRedis(config);
  try {
    const limiter = createRedisLimiter(redis.source.connect("commands"), createKeys(config.namespace));
    const lanes = new LaneRegistry(config, transport).embeddingLanes(lane.lane.provider, lane.lane.model);
    const chooser = new LaneChooser(limiter, lanes);
    const tokens = Math.ceil(request.inputs.join("").length / 3);
    for (;;) {
      signal.throwIfAborted();
      const { grants, wait, areAllParked } = await chooser.reserve([tokens], 1);
      const grant = grants[0];
      if (!grant) {
        if (areAllParked) throw CLI_ERRORS.parkedModel(fullName, wait?.reason ?? "");
        await sleep(Math.min(wait?.ms ?? POLL_INTERVAL_MS, 1_000), undefined, { signal });
        continue;
      }
      const settle = (outcome: "ok" | "failed") =>
        limiter.settle(grant.lane.lane, [{ id: grant.reservation.id, outcome }]);
      try {
        const response = await grant.lane.model.embed(request, { signal });
        await settle("ok");
        return response;
      } catch (error) {
        await settle("failed");
        throw error;
      }
    }
  } finally {
    await redis.close();
    await transport.close();
  }
}
