import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { type Lane, parseLane } from "../../core/lane.ts";
import { omitUndefined } from "../../core/omit-undefined.ts";
import type { Audit } from "../audit.ts";
import type { LaneView } from "../contract.ts";
import { requireOperator } from "../create-server.ts";
import { requireSameOrigin } from "../door/door.ts";
import { HttpError } from "../http-error.ts";
import { parseInput } from "../parse-input.ts";
import { type LaneLookDeps, lookAtLane } from "./look-at-lanes.ts";
import type { RedisGate } from "./redis-gate.ts";
import type { Sampler } from "./sampler.ts";

const figure = z.int().min(1).max(1_000_000_000).optional();
const limitsBody = z
  .strictObject({
    lane: z.string().min(1).max(300),
    requestsPerMinute: figure,
    tokensPerMinute: figure,
    concurrency: figure,
    clear: z.literal(true).optional(),
  })
  .refine(
    ({ requestsPerMinute, tokensPerMinute, concurrency, clear }) =>
      clear ?? requestsPerMinute ?? tokensPerMinute ?? concurrency,
    "say what to set: requestsPerMinute, tokensPerMinute or concurrency, or clear",
  );
const laneBody = z.strictObject({ lane: z.string().min(1).max(300) });

export interface LaneRoutesDeps extends Omit<LaneLookDeps, "telemetry"> {
  readonly sampler: Sampler;
  readonly gate: RedisGate;
  readonly audit: Audit;
}

/** POST /api/lanes/limits and /api/lanes/unpark. */
export function laneRoutes(deps: LaneRoutesDeps) {
  const { sampler, gate, audit, limiter } = deps;
  const view = (lane: Lane): Promise<LaneView> =>
    gate.ask(() => lookAtLane(lane, undefined, Date.now(), { ...deps, telemetry: sampler.telemetry }));
  return async (server: FastifyInstance): Promise<void> => {
    server.post("/api/lanes/limits", async (request): Promise<LaneView> => {
      requireSameOrigin(request);
      const person = requireOperator(request);
      const { lane: name, clear, ...figures } = parseInput(limitsBody, request.body);
      const lane = await requireLane(name, deps);
      const limits = omitUndefined(figures);
      const said = Object.entries(limits).map(([dimension, value]) => `${dimension} ${value}`);
      const detail = [...(clear ? ["clear"] : []), ...said].join(", ");
      await gate.ask(() => audit.note(person, { action: "set-limit", target: name, detail }));
      await gate.ask(async () => {
        if (clear) await limiter.clearLimits(lane);
        await limiter.setLimits(lane, limits);
      });
      return await view(lane);
    });
    server.post("/api/lanes/unpark", async (request): Promise<LaneView> => {
      requireSameOrigin(request);
      const person = requireOperator(request);
      const { lane: name } = parseInput(laneBody, request.body);
      const lane = await requireLane(name, deps);
      await gate.ask(() => audit.note(person, { action: "unpark", target: name }));
      await gate.ask(() => limiter.unpark(lane));
      return await view(lane);
    });
  };
}

/** A lane that is in use or configured: a limit on a misspelt one would hold nothing back. */
async function requireLane(name: string, { sampler, limitsOf }: LaneRoutesDeps): Promise<Lane> {
  const lane = parseLane(name);
  const look = await sampler.look();
  if (lane && (look.lanes.some((known) => known.name === name) || limitsOf(lane) !== undefined)) return lane;
  throw new HttpError("unknown-lane", "There is no such lane.", {
    hint: "A lane is provider/model, or provider:account/model.",
  });
}
