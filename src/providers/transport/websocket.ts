import { getCACertificates } from "node:tls";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Call } from "#src/providers/provider.ts";
import type { SocketAnswer, SocketRequest } from "./transport.ts";
import { TunnelAgent } from "./tunnel-agent.ts";
import { SocketExchange, type SocketLimits } from "./websocket-exchange.ts";

export interface SocketOptions extends Partial<SocketLimits> {
  /** Proxy for `wss:`, as `HTTPS_PROXY` holds it. */
  readonly httpsProxy?: string;
  /** Comma-separated hosts that are reached directly. */
  readonly noProxy?: string;
  /** PEM certificates trusted beside the system's own. */
  readonly extraCa?: string;
}

const DEFAULTS = {
  handshakeTimeoutMs: 15_000,
  firstFrameTimeoutMs: 90_000,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 1_800_000,
  maxFrameBytes: 4 * 1024 * 1024,
  maxBytes: 64 * 1024 * 1024,
} as const satisfies SocketLimits;

export interface SocketOpener {
  /** Connects, sends the one message of the request and resolves when the upgrade is accepted or refused. */
  open(request: SocketRequest, call: Call): Promise<SocketAnswer>;
  /** Ends all exchanges; they reject with kind `aborted`. */
  close(): void;
}

/** Opens one WebSocket connection per exchange, never compressed, never redirected. */
export function createSocketOpener(options: SocketOptions = {}): SocketOpener {
  const limits = { ...DEFAULTS, ...omitUndefined(options) };
  const connection = {
    // Naming a CA replaces Node's own list, so that list is passed along.
    ...(options.extraCa && { ca: [...getCACertificates("default"), options.extraCa] }),
    ...(options.httpsProxy && { agent: new TunnelAgent(options.httpsProxy, options.noProxy) }),
  };
  const running = new Set<SocketExchange>();
  return {
    open(request, call) {
      const exchange = new SocketExchange(request, call.signal, limits, () => running.delete(exchange));
      running.add(exchange);
      return exchange.open(connection);
    },
    close() {
      for (const exchange of running) exchange.abort("the connections were closed");
    },
  };
}
