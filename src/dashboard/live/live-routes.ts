import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { Audit } from "../audit.ts";
import { requirePerson } from "../create-server.ts";
import { parseInput } from "../parse-input.ts";
import { EventSink } from "./event-sink.ts";
import type { LiveChatList } from "./live-chats.ts";
import type { LiveHub } from "./live-hub.ts";

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

export interface LiveRoutesDeps {
  readonly hub: LiveHub;
  readonly chats: LiveChatList;
  readonly audit: Audit;
  readonly onError: (error: Error, where: string) => void;
}

/** GET /api/events and /api/chats. */
export function liveRoutes({ hub, chats, audit, onError }: LiveRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/events", (request, reply) => {
      const person = requirePerson(request);
      const wanted = parseInput(topics, request.query);
      hub.requireRoom();
      if (wanted.chat !== undefined && person.role === "operator") {
        audit.note(person, { action: "follow", target: wanted.chat }).catch(() => undefined);
      }
      const sink = new EventSink(reply);
      hub.open(sink, wanted, person).catch((error) => {
        onError(error, "/api/events");
        sink.close();
      });
    });
    server.get("/api/chats", async (request) => {
      requirePerson(request);
      return await chats.read();
    });
  };
}
