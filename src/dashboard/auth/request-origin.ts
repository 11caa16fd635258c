import type { FastifyRequest } from "fastify";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { isLoopback, parseHostName } from "#src/http-server/loopback.ts";

/**
 * Protects a server without a password from DNS rebinding: a foreign page may point its own name at this machine's
 * address. Throws an HttpError when the Host header is not a loopback name.
 */
export function requireLoopbackName(request: FastifyRequest): void {
  const name = parseHostName(request.headers.host);
  if (name === undefined || !isLoopback(name)) throw new HttpError(ERRORS.notLoopbackName);
}

/** Throws an HttpError for requests that a page of another site makes; only links from there to our pages are allowed. */
export function refuseForeignSites({ method, headers }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return;
  if (method === "GET" && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document") return;
  throw new HttpError(ERRORS.crossSiteRequest);
}

/** Throws an HttpError for a change that does not come from our own pages, or whose origin is unknown. */
export function requireSameOrigin(request: FastifyRequest): void {
  const site = request.headers["sec-fetch-site"];
  if (site !== "same-origin" && (site || !isSameOrigin(request))) throw new HttpError(ERRORS.notSameOrigin);
}

/** For browsers that do not send Sec-Fetch-Site. */
function isSameOrigin({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  return origin !== undefined && host !== undefined && URL.parse(origin)?.host === host.toLowerCase();
}
