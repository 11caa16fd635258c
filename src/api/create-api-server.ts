import { randomUUID } from "node:crypto";
import multipart from "@fastify/multipart";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { coerceError } from "#src/core/failures/errors.ts";
import type { ApiContext } from "./api-context.ts";
import { wantsFastchatErrors, writeFastchatError } from "./fastchat/fastchat-error.ts";
import { API_ERRORS, type ApiError } from "./http/api-error.ts";
import { toApiError } from "./http/to-api-error.ts";
import type { ApiPlugin, ApiServer } from "./http/typed-server.ts";
import { isMessageRoute, writeMessageError } from "./messages/message-error.ts";
import { observeRequests, type RequestLogEntry } from "./operations/observe-requests.ts";

export interface ApiServerOptions {
  readonly version: string;
  /** Addresses and networks of proxies whose X-Forwarded-For header is believed. */
  readonly trustedProxies: readonly string[];
  readonly plugins: readonly ApiPlugin[];
  /** Called when the response to a request has ended. */
  readonly onRequest: (entry: RequestLogEntry) => void;
}

/** Requests with images and long documents are large; uploads of files have a limit of their own. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** How long a client may take to send the body of a request, except for uploads. */
const BODY_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** A server with validation, authentication, and errors in OpenAI's format for all plugins. It does not listen yet. */
export async function createApiServer(context: ApiContext, options: ApiServerOptions): Promise<ApiServer> {
  const { trustedProxies, plugins, version, onRequest } = options;
  const server = fastify({
    // URLs contain ids and search texts, which do not belong in a log.
    logger: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: MAX_BODY_BYTES,
    // Uploads take long. The bodies of all other routes have a limit of their own.
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    genReqId: () => `req_${randomUUID().replaceAll("-", "")}`,
    routerOptions: { maxParamLength: 600 },
    // A body with a key such as __proto__ is rejected rather than stripped.
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
    forceCloseConnections: "idle",
  }).withTypeProvider<ZodTypeProvider>();
  server.server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.setValidatorCompiler(validatorCompiler);
  // Schemas of responses describe them; parsing every response would cost as much as writing it.
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  server.decorateRequest("caller");
  observeRequests(server, { ...context, onRequest });
  server.addHook("onRequest", async (request, reply) => {
    if (isMessageRoute(request.routeOptions.url)) reply.header("request-id", request.id);
    if (isPublic(request.routeOptions.url)) return;
    request.caller = await context.access.authenticate(request.headers);
  });
  server.addHook("onSend", async (request, reply) => {
    // Of a public route, and after an error of authentication, there is no caller.
    if (
      request.caller &&
      !reply.hasHeader("x-ratelimit-limit-requests") &&
      !reply.hasHeader("x-ratelimit-limit-tokens")
    )
      reply.headers(await context.access.describeLimits(request.caller).catch(() => ({})));
  });
  limitBodyTime(server);
  server.setErrorHandler((thrown, request, reply) => {
    const error = toApiError(thrown, request.routeOptions.bodyLimit);
    if (error.details.code === "internal_error")
      context.onError(coerceError(thrown), request.routeOptions.url ?? "?", request.id);
    for (const [name, value] of Object.entries(errorHeaders(error))) reply.header(name, value);
    return sendError(error, request, reply);
  });
  server.setNotFoundHandler((request, reply) => {
    const error = API_ERRORS.unknownRoute(request.method, request.url.split("?", 1)[0] ?? "");
    return sendError(error, request, reply);
  });
  await server.register(multipart);
  await addDocumentation(server, version);
  for (const plugin of plugins) await server.register(plugin);
  return server;
}

/** Sends an error in the format that the clients of the route expect. */
function sendError(error: ApiError, request: FastifyRequest, reply: FastifyReply) {
  const { status, body } = wantsFastchatErrors(request.query)
    ? writeFastchatError(error)
    : {
        status: error.status,
        body: isMessageRoute(request.routeOptions.url) ? writeMessageError(error, request.id) : error.body(),
      };
  return reply.status(status).type("application/json").send(JSON.stringify(body));
}

/** Ends requests whose body arrives too slowly. Uploads are read by their routes, after this. */
function limitBodyTime(server: ApiServer): void {
  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  server.addHook("preParsing", async (request) => {
    timers.set(
      request,
      setTimeout(() => request.raw.destroy(), BODY_TIMEOUT_MS),
    );
  });
  server.addHook("preValidation", async (request) => clearTimeout(timers.get(request)));
  server.addHook("onResponse", async (request) => clearTimeout(timers.get(request)));
}

/** Routes for supervisors and the documentation, which reveal nothing of anybody. */
function isPublic(url: string | undefined): boolean {
  if (url === undefined) return true;
  return /^\/(healthz|readyz|openapi\.json|docs(\/.*)?)$/.test(url);
}

/** Headers that tell clients whether and when to try again. */
function errorHeaders({ details }: ApiError): Record<string, string> {
  const { retryAfterMs, shouldRetry } = details;
  return {
    ...(retryAfterMs === undefined
      ? {}
      : { "retry-after": String(Math.ceil(retryAfterMs / 1000)), "retry-after-ms": String(Math.ceil(retryAfterMs)) }),
    ...(shouldRetry === undefined ? {} : { "x-should-retry": String(shouldRetry) }),
  };
}

/** `/openapi.json`, and `/docs` to browse and try it. */
async function addDocumentation(server: ApiServer, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      info: { title: "Sluice", version, description: "Any provider behind one API, with queues, limits, and batches." },
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await server.register(swaggerUi, {
    routePrefix: "/docs",
    // The bar at the top is for choosing among several documents.
    theme: { title: "Sluice API", css: [{ filename: "theme.css", content: ".swagger-ui .topbar { display: none }" }] },
  });
  server.get("/openapi.json", { schema: { hide: true } }, () => server.swagger());
}
