import { hostname } from "node:os";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { Audit } from "#src/dashboard/audit/audit.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { Authenticator } from "./authenticator.ts";
import { FailedSignInAudit } from "./failed-sign-in-audit.ts";
import { requireSameOrigin } from "./request-origin.ts";
import type { Session } from "./session-api.ts";
import type { Principal } from "./session-token.ts";

const signInBody = z.strictObject({
  password: z.string().min(1).max(1_024),
  name: z
    .string()
    .max(40)
    .transform((name) => name.replace(/[\p{Cc}\p{Cf}]/gu, "").trim())
    .optional(),
});

export interface SessionRoutesDeps {
  readonly authenticator: Authenticator;
  readonly audit: Audit;
  readonly breaker: RedisCircuitBreaker;
  readonly version: string;
  readonly namespace: string;
}

/** GET, POST and DELETE /api/session. */
export function sessionRoutes({ authenticator, audit, breaker, version, namespace }: SessionRoutesDeps) {
  const failedSignIns = new FailedSignInAudit(audit, breaker);
  // Signing in and out must work while Redis is unavailable: the pages then say so.
  const recordWithoutWaiting = (principal: Principal, action: string) => {
    breaker.run(() => audit.record(principal, { action })).catch(() => undefined);
  };
  const describeSession = (principal: Principal | null): Session => ({
    at: Date.now(),
    role: principal?.role,
    userName: principal?.userName,
    expiresAt: principal?.expiresAt,
    isAuthDisabled: authenticator.isAuthDisabled,
    canOperate: principal?.role === "operator",
    version,
    namespace,
    host: hostname(),
  });
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/session", (request) => describeSession(request.principal));
    server.post("/api/session", async (request, reply): Promise<Session> => {
      requireSameOrigin(request);
      const input = parseInput(signInBody, request.body);
      const principal = await authenticator.signIn(request, reply, input).catch((error) => {
        if (error instanceof HttpError && error.code === "wrong-password") failedSignIns.record(request.ip, input.name);
        throw error;
      });
      recordWithoutWaiting(principal, "sign-in");
      return describeSession(principal);
    });
    server.delete("/api/session", async (request, reply): Promise<Session> => {
      requireSameOrigin(request);
      await authenticator.signOut(request, reply);
      if (authenticator.isAuthDisabled) return describeSession(request.principal);
      if (request.principal) recordWithoutWaiting(request.principal, "sign-out");
      return describeSession(null);
    });
  };
}
