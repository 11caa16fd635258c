import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { SseConnection } from "./sse-connection.ts";

const flag = z
  .enum(["0", "1"])
  .default("0")
  .transform((value) => value === "1");
const name = z.string().min(1).max(128).optional();
const topics = z.object({
  overview: flag,
  runs: flag,
  chats: flag,
  run: name,
  records: name,
  chat: name,
});

export interface LiveRoutesDeps extends Pick<DashboardServices, "hub" | "chats" | "audit"> {
  readonly onError: (error: Error, where: string) => void;
}

/** GET /api/events and /api/chats. */
export function liveRoutes({ hub, chats, audit, onError }: LiveRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/events", (request, reply) => {
      const principal = requirePrincipal(request);
      const requestedTopics = parseInput(topics, request.query);
      hub.requireCapacity();
      if (requestedTopics.chat !== undefined && principal.role === "operator") {
        audit.record(principal, { action: "follow", target: requestedTopics.chat }).catch(() => undefined);
      }
      const connection = new SseConnection(reply);
      hub.open(connection, requestedTopics, principal).catch((error) => {
        onError(error, "/api/events");
        connection.close();
      });
    });
    server.get("/api/chats", async (request) => {
      requirePrincipal(request);
      return await chats.read();
    });
  };
}
