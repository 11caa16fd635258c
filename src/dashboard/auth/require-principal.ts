import type { FastifyRequest } from "fastify";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { requireSameOrigin } from "./request-origin.ts";
import type { Principal } from "./session-token.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who sends the request; null before authentication, and when nobody is signed in. */
    principal: Principal | null;
  }
}

/** Throws an HttpError when nobody is signed in. */
export function requirePrincipal(request: FastifyRequest): Principal {
  if (request.principal) return request.principal;
  throw new HttpError(ERRORS.signedOut);
}

/** Throws an HttpError for everybody but an operator. */
export function requireOperator(request: FastifyRequest): Principal {
  const principal = requirePrincipal(request);
  if (principal.role === "operator") return principal;
  throw new HttpError(ERRORS.viewerReadOnly);
}

/** For requests that change something: an operator on a page of the dashboard. Throws an HttpError otherwise. */
export function requireOperatorChange(request: FastifyRequest): Principal {
  requireSameOrigin(request);
  return requireOperator(request);
}
