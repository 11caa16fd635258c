import { hostname } from "node:os";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import type { Audit } from "../audit.ts";
import type { Session } from "../contract.ts";
import { HttpError } from "../http-error.ts";
import type { RedisGate } from "../look/redis-gate.ts";
import { parseInput } from "../parse-input.ts";
import { type Door, requireSameOrigin } from "./door.ts";
import { FailedSignIns } from "./failed-sign-ins.ts";
import type { Person } from "./session-token.ts";

const signIn = z.strictObject({
  password: z.string().min(1).max(1_024),
  name: z
    .string()
    .max(40)
    .transform((name) => name.replace(/[\p{Cc}\p{Cf}]/gu, "").trim())
    .optional(),
});

export interface SessionRoutesDeps {
  readonly door: Door;
  readonly audit: Audit;
  readonly gate: RedisGate;
  readonly version: string;
  readonly namespace: string;
}

/** GET, POST and DELETE /api/session. */
export function sessionRoutes({ door, audit, gate, version, namespace }: SessionRoutesDeps) {
  const failed = new FailedSignIns(audit, gate);
  // Signing in and out must work while Redis is away: the pages then say so.
  const note = (person: Person, action: string) => {
    gate.ask(() => audit.note(person, { action })).catch(() => undefined);
  };
  const session = (person: Person | undefined): Session => ({
    at: Date.now(),
    ...(person
      ? {
          role: person.role,
          who: person.who,
          expiresAt: person.expiresAt,
        }
      : {}),
    open: door.open,
    mayAct: person?.role === "operator",
    version,
    namespace,
    host: hostname(),
  });
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/session", (request: FastifyRequest) => session(request.person ?? undefined));
    server.post("/api/session", async (request, reply): Promise<Session> => {
      requireSameOrigin(request);
      const input = parseInput(signIn, request.body);
      const person = await door.signIn(request, reply, input).catch((error) => {
        if (error instanceof HttpError && error.code === "wrong-password") {
          failed.note(request.ip, input.name);
        }
        throw error;
      });
      note(person, "sign-in");
      return session(person);
    });
    server.delete("/api/session", async (request, reply): Promise<Session> => {
      requireSameOrigin(request);
      await door.signOut(request, reply);
      if (request.person && !door.open) note(request.person, "sign-out");
      return session(door.open ? (request.person ?? undefined) : undefined);
    });
  };
}
