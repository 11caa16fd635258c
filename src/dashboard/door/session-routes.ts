import { hostname } from "node:os";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import type { Audit } from "../audit.ts";
import type { Session } from "../contract.ts";
import { parseInput } from "../parse-input.ts";
import { type Door, requireSameOrigin } from "./door.ts";
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
  readonly version: string;
  readonly namespace: string;
}

/** GET, POST and DELETE /api/session. */
export function sessionRoutes({ door, audit, version, namespace }: SessionRoutesDeps) {
  const session = (person: Person | undefined): Session => ({
    at: Date.now(),
    ...(person
      ? {
          role: person.role,
          who: person.who,
          ...(person.expiresAt === undefined ? {} : { expiresAt: person.expiresAt }),
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
      const person = await door.signIn(request, reply, input);
      // Signing in must work while Redis is away: the pages then say so.
      audit.note(person, { action: "sign-in" }).catch(() => undefined);
      return session(person);
    });
    server.delete("/api/session", (request, reply): Session => {
      requireSameOrigin(request);
      door.signOut(request, reply);
      return session(door.open ? (request.person ?? undefined) : undefined);
    });
  };
}
