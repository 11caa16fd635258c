import cookie from "@fastify/cookie";
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { coerceError, InputError, RunError } from "#src/core/errors.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { refuseForeignSites, requireLoopbackName } from "./auth/authenticator.ts";
import type { Principal } from "./auth/session-token.ts";
import { HttpError } from "./http/http-error.ts";
import { addSecurityHeaders } from "./http/security-headers.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who makes the request; null before it was asked, and when nobody is signed in. */
    principal: Principal | null;
  }
}

export interface ServerOptions {
  readonly authenticator: Authenticator;
  /** An error that is no fault of the request: told to whoever runs the server. Holds no text of any item. */
  readonly onError: (error: Error, where: string) => void;
  /** Parts with routes of their own, registered in order; further ones, such as an API, stand beside them. */
  readonly plugins: readonly ((server: FastifyInstance) => Promise<void>)[];
}

/** Requests of the pages are small; parts that take larger ones say so at their own routes. */
const BODY_BYTES = 64 * 1024;
const REQUEST_MS = 30_000;

/** A server with the door, the headers and the form of errors that all its parts share. Not listening yet. */
export async function createServer({ authenticator, onError, plugins }: ServerOptions): Promise<FastifyInstance> {
  const server = fastify({
    // Addresses hold ids and searches: they are nobody's business in a log.
    logger: false,
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: 0,
    keepAliveTimeout: 10_000,
    routerOptions: { maxParamLength: 600 },
    // A name like __proto__ in a body is refused, not dropped.
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    forceCloseConnections: true,
  });
  server.server.headersTimeout = 10_000;
  server.decorateRequest("principal", null);
  addSecurityHeaders(server);
  await server.register(cookie);
  server.addHook("onRequest", async (request) => {
    refuseForeignSites(request);
    if (authenticator.isAuthDisabled) requireLoopbackName(request);
    request.principal = (await authenticator.authenticate(request)) ?? null;
  });
  server.setErrorHandler((thrown, request, reply) => {
    const error = toHttpError(coerceError(thrown));
    if (error.code === "internal") onError(coerceError(thrown), request.routeOptions.url ?? "?");
    if (error.retryAfterMs !== undefined) reply.header("retry-after", String(Math.ceil(error.retryAfterMs / 1000)));
    return reply.status(error.status).type("application/json").send(error.body());
  });
  server.setNotFoundHandler((request, reply) => {
    const wantsPage = request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
    if (wantsPage && !request.url.startsWith("/api/") && request.url !== "/") return reply.redirect("/");
    const error = new HttpError("unknown-route", "There is nothing at this address.");
    return reply.status(error.status).send(error.body());
  });
  for (const plugin of plugins) await server.register(plugin);
  return server;
}

/** Throws an HttpError when nobody is signed in. */
export function requirePrincipal(request: FastifyRequest): Principal {
  if (request.principal) return request.principal;
  throw new HttpError("signed-out", "Nobody is signed in.", { hint: "Sign in, then go on." });
}

/** Throws an HttpError for everybody but an operator. */
export function requireOperator(request: FastifyRequest): Principal {
  const principal = requirePrincipal(request);
  if (principal.role === "operator") return principal;
  throw new HttpError("not-allowed", "A viewer may look, not act.", {
    hint: "Sign in with the operator's password.",
  });
}

/** What the rest of the code throws, in the form that pages get; an unknown error says nothing of itself. */
export function toHttpError(error: Error): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof InputError) return new HttpError("bad-request", error.message);
  if (error instanceof RunError) {
    return new HttpError("wrong-state", error.message, error.hint === undefined ? {} : { hint: error.hint });
  }
  const { statusCode, code } = error as Partial<FastifyError>;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpError("bad-request", describeRefusal(code, statusCode), { status: statusCode });
  }
  return new HttpError("internal", "The server could not do this; its log says why.");
}

/** The framework's own words may repeat what came; these do not. */
function describeRefusal(code: string | undefined, status: number): string {
  if (status === 413) return `The request is larger than ${BODY_BYTES / 1024} KB.`;
  if (status === 415) return "Send JSON, with content-type: application/json.";
  if (code === "FST_ERR_CTP_EMPTY_JSON_BODY") return "The request has no body; send at least {}.";
  return "The request cannot be read.";
}
