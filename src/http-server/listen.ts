import type { Server } from "node:http";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { LISTEN_ERRORS } from "./listen-errors.ts";
import { isLoopback } from "./loopback.ts";

export class PortInUseError extends RunError {
  constructor(host: string, port: number, option: string) {
    super(...LISTEN_ERRORS.portInUse(host, port, option));
  }
}

/** The part of a Fastify server that listening needs, whatever its routes are typed with. */
interface ListeningServer {
  listen(options: { readonly host: string; readonly port: number }): Promise<string>;
  readonly server: Server;
}

/** Starts listening and resolves with the port. `option` is the one that sets the port. Throws a RunError when the address cannot be used. */
export async function listen(server: ListeningServer, host: string, port: number, option = "--port"): Promise<number> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    const code = errorCode(error);
    if (code === "EADDRINUSE") throw new PortInUseError(host, port, option);
    if (code === "EACCES") throw new RunError(...LISTEN_ERRORS.portNotPermitted(port, option), error);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new RunError(...LISTEN_ERRORS.unknownAddress(host), error);
    }
    throw error;
  }
  const address = server.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** The URL to open in a browser on this machine. */
export function formatServerUrl(host: string, port: number): string {
  const displayHost = isLoopback(host) || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${displayHost.includes(":") ? `[${displayHost}]` : displayHost}:${port}`;
}
