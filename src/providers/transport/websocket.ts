import { getCACertificates } from "node:tls";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Call } from "#src/providers/provider.ts";
import type { SocketAnswer, SocketRequest } from "./transport.ts";
import { TunnelAgent } from "./tunnel-agent.ts";
import { SocketExchange, type SocketLimits } from "./websocket-exchange.ts";

export interface SocketOptions extends Partial<SocketLimits> {
  /** Proxy URL for `wss:`, in the form of `HTTPS_PROXY`. */
  readonly httpsProxy?: string;
  /** Comma-separated hosts to reach without the proxy. */
  readonly noProxy?: string;
  /** PEM certificates to trust in addition to Node's default CAs. */
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

function overrideLimits(limits: SocketLimits, { timeLimits = {} }: SocketRequest): SocketLimits {
  const { headersMs, idleMs, totalMs } = timeLimits;
  return {
    ...limits,
    firstFrameTimeoutMs: headersMs ?? limits.firstFrameTimeoutMs,
    idleTimeoutMs: idleMs ?? limits.idleTimeoutMs,
    totalTimeoutMs: totalMs ?? limits.totalTimeoutMs,
  };
}

interface SocketOpener {
  /** Connects, sends the request's message, and resolves when the upgrade is accepted or rejected. */
  open(request: SocketRequest, call: Call): Promise<SocketAnswer>;
  /** Ends all exchanges; they reject with kind `aborted`. */
  close(): void;
}

/** Opens one WebSocket connection per exchange, without compression and redirects. */
export function createSocketOpener(options: SocketOptions = {}): SocketOpener {
  const limits = { ...DEFAULTS, ...omitUndefined(options) };
  const connection = {
    // The `ca` option replaces Node's default CAs, so they are included.
    ca: options.extraCa ? [...getCACertificates("default"), options.extraCa] : undefined,
    agent: options.httpsProxy ? new TunnelAgent(options.httpsProxy, options.noProxy) : undefined,
  };
  const running = new Set<SocketExchange>();
  return {
    open(request, call) {
      const exchange = new SocketExchange(request, call.signal, overrideLimits(limits, request), () =>
        running.delete(exchange),
      );
      running.add(exchange);
      return exchange.open(connection);
    },
    close() {
      for (const exchange of running) exchange.abort("the connections were closed");
    },
  };
}
