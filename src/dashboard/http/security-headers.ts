import type { FastifyInstance } from "fastify";

/** For our own pages: no inline code or styles, no other hosts, no framing. */
const PAGES_CSP = [
  "default-src 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** bull-board uses inline styles and its own base element; other hosts stay forbidden. */
export const BOARD_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Adds the headers that every response has, whatever its route. */
export function addSecurityHeaders(server: FastifyInstance): void {
  server.addHook("onRequest", async (_request, reply) => {
    reply.headers({
      "content-security-policy": PAGES_CSP,
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "permissions-policy": "camera=(), geolocation=(), microphone=()",
      "cache-control": "no-store",
    });
  });
}
