import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { type Lane, parseLane, RATE_LIMITS, type RateLimitField } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { requireOperatorChange } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { AUDIT_DETAILS, ERRORS } from "#src/dashboard/messages.ts";
import { readLaneStatus } from "#src/dashboard/sampling/read-lane-statuses.ts";
import type { LaneView } from "./lane-api.ts";

const limitValue = z.int().min(1).max(1_000_000_000).optional();
const RATE_LIMIT_VALUES = Object.fromEntries(RATE_LIMITS.map(({ field }) => [field, limitValue])) as Record<
  RateLimitField,
  typeof limitValue
>;
const limitsBody = z
  .strictObject({
    lane: z.string().min(1).max(300),
    ...RATE_LIMIT_VALUES,
    concurrency: limitValue,
    clear: z.literal(true).optional(),
  })
  .refine(
    ({ lane: _, ...changes }) => Object.values(changes).some((value) => value !== undefined),
    "set a limit, such as requestsPerMinute, tokensPerDay, or concurrency, or clear",
  );
const laneBody = z.strictObject({ lane: z.string().min(1).max(300) });

type LaneRoutesDeps = Pick<DashboardServices, "sampler" | "breaker" | "audit" | "limiter" | "limitsOf">;

/** POST /api/lanes/limits and /api/lanes/unpark. */
export function laneRoutes(deps: LaneRoutesDeps) {
  const { sampler, breaker, audit, limiter } = deps;
  const readView = (lane: Lane): Promise<LaneView> =>
    breaker.run(() => readLaneStatus(lane, undefined, Date.now(), { ...deps, telemetry: sampler.telemetry }));
  return async (server: FastifyInstance): Promise<void> => {
    server.post("/api/lanes/limits", async (request): Promise<LaneView> => {
      const principal = requireOperatorChange(request);
      const { lane: name, clear, ...limitValues } = parseInput(limitsBody, request.body);
      const lane = await requireLane(name, deps);
      const limits = omitUndefined(limitValues);
      const changes = Object.entries(limits).map(([dimension, value]) => `${dimension} ${value}`);
      const detail = [...(clear ? [AUDIT_DETAILS.clearLimits] : []), ...changes].join(", ");
      await breaker.run(() => audit.record(principal, { action: "set-limit", target: name, detail }));
      await breaker.run(async () => {
        if (clear) await limiter.clearLimits(lane);
        await limiter.setLimits(lane, limits);
      });
      return await readView(lane);
    });
    server.post("/api/lanes/unpark", async (request): Promise<LaneView> => {
      const principal = requireOperatorChange(request);
      const { lane: name } = parseInput(laneBody, request.body);
      const lane = await requireLane(name, deps);
      await breaker.run(() => audit.record(principal, { action: "unpark", target: name }));
      await breaker.run(() => limiter.unpark(lane));
      return await readView(lane);
    });
  };
}

/** Throws an HttpError unless the lane is in use or configured: a limit on a misspelt name would have no effect. */
async function requireLane(name: string, { sampler, limitsOf }: LaneRoutesDeps): Promise<Lane> {
  const lane = parseLane(name);
  const snapshot = await sampler.readSnapshot();
  if (lane && (snapshot.lanes.some((known) => known.name === name) || limitsOf(lane) !== undefined)) return lane;
  throw new HttpError(ERRORS.unknownLane);
}
