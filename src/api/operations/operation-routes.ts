import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { API_METRICS_CONTENT_TYPE } from "./api-metrics.ts";

/** A Redis that does not reply within this time is not ready. */
const READY_TIMEOUT_MS = 2_000;
const PROBE_TTL_MS = 60_000;

const readiness = z.object({
  status: z.enum(["ready", "not-ready"]),
  reason: z.enum(["redis", "memory", "stopping"]).optional(),
});
type Readiness = z.infer<typeof readiness>;

/** Routes for supervisors, load balancers, and monitoring. */
export function operationRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const tags = ["Operation"];
    server.get("/healthz", { schema: { tags, summary: "Whether the process answers" } }, () => ({ status: "ok" }));
    server.get(
      "/readyz",
      {
        schema: {
          tags,
          summary: "Whether the server can take requests; writes to Redis",
          response: { 200: readiness, 503: readiness },
        },
      },
      async (_, reply) => {
        const state = await checkReadiness(context);
        return await reply.status(state.status === "ready" ? 200 : 503).send(state);
      },
    );
    server.get(
      "/metrics",
      { schema: { tags, summary: "Measurements of this server for Prometheus; needs a key with the role admin" } },
      async ({ caller }, reply) => {
        if (caller.role !== "admin") throw API_ERRORS.adminOnly();
        reply.type(API_METRICS_CONTENT_TYPE);
        return reply.serializer((text: string) => text).send(await context.metrics.render());
      },
    );
  };
}

async function checkReadiness({ stopping, memory, client, keys, clock }: ApiContext): Promise<Readiness> {
  if (stopping.aborted) return { status: "not-ready", reason: "stopping" };
  if (memory.isOver) return { status: "not-ready", reason: "memory" };
  const ended = new AbortController();
  const timeout = clock.sleep(READY_TIMEOUT_MS, ended.signal).then(
    () => false,
    () => false,
  );
  const written = client.set(keys.readinessProbe, clock.now(), "PX", PROBE_TTL_MS).then(
    (reply) => reply === "OK",
    () => false,
  );
  const isWritable = await Promise.race([written, timeout]).finally(() => ended.abort());
  return isWritable ? { status: "ready" } : { status: "not-ready", reason: "redis" };
}
