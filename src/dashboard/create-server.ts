import cookie from "@fastify/cookie";
import { type FastifyInstance, fastify } from "fastify";
import { coerceError } from "#src/core/failures/errors.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { refuseForeignSites, requireLoopbackName } from "./auth/request-origin.ts";
import { HttpError } from "./http/http-error.ts";
import { addSecurityHeaders } from "./http/security-headers.ts";
import { MAX_BODY_BYTES, toHttpError } from "./http/to-http-error.ts";
import { ERRORS } from "./messages.ts";

export interface ServerOptions {
  /** Addresses and networks of proxies whose X-Forwarded-For header is believed; anybody else may forge it. */
  readonly trustedProxies: readonly string[];
  readonly authenticator: Authenticator;
  /** Reports an error that is not the client's fault. Its text contains nothing of any item. */
  readonly onError: (error: Error, where: string) => void;
  /** Plugins with their own routes, registered in order. */
  readonly plugins: readonly ((server: FastifyInstance) => Promise<void>)[];
}

const REQUEST_TIMEOUT_MS = 30_000;

/** A server with authentication, security headers and error handling for all plugins. It does not listen yet. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { authenticator, onError, plugins, trustedProxies } = options;
  const server = fastify({
    // URLs contain ids and search texts, which do not belong in a log.
    logger: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 0,
    keepAliveTimeout: 10_000,
    routerOptions: { maxParamLength: 600 },
    // A body with a key such as __proto__ is rejected rather than stripped.
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
    const error = new HttpError(ERRORS.unknownRoute);
    return reply.status(error.status).send(error.body());
  });
  // For process supervisors; it reveals nothing that needs authentication.
  server.get("/healthz", () => ({ ok: true }));
  for (const plugin of plugins) await server.register(plugin);
  return server;
}
