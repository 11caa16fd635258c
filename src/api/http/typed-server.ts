import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Caller } from "#src/api/access/caller.ts";

/** A server whose zod schemas validate requests, type their handlers, and describe the routes in `/openapi.json`. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Routes of one responsibility. */
export type ApiPlugin = (server: ApiServer) => Promise<void>;

declare module "fastify" {
  interface FastifyRequest {
    /** Who sent the request; set before every route that needs a key. */
    caller: Caller;
  }
}
