import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import type { SimulatedProvider } from "./simulated-provider.ts";

/**
 * The control endpoint for other processes on this machine. GET returns `{ statistics, settings }`. POST takes a patch of
 * the settings, and `resetStatistics: true` to reset the counters; it returns the same.
 */
export function serveControl(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  provider: SimulatedProvider,
): void {
  if (!isLoopback(request.socket.remoteAddress)) {
    send(response, 403, { error: "accepts requests from this machine only" });
    return;
  }
  const problem = request.method === "POST" ? applyPatch(body, provider) : undefined;
  if (problem !== undefined) send(response, 400, { error: problem });
  else if (request.method !== "GET" && request.method !== "POST") send(response, 405, { error: "GET or POST" });
  else send(response, 200, { statistics: provider.statistics(), settings: provider.settings });
}

function applyPatch(body: Buffer, provider: SimulatedProvider): string | undefined {
  try {
    const { resetStatistics, ...patch } = z
      .looseObject({ resetStatistics: z.boolean().optional() })
      .parse(JSON.parse(body.toString("utf8")));
    provider.configure(patch);
    if (resetStatistics) provider.resetStatistics();
    return undefined;
  } catch (error) {
    return error instanceof z.ZodError ? z.prettifyError(error) : "the body is not JSON";
  }
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (/^(::ffff:)?127\./.test(address) || address === "::1");
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}
