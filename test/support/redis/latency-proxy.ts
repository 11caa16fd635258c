import { once } from "node:events";
import { createServer, type Socket, connect as tcpConnect } from "node:net";

export interface LatencyProxy {
  readonly url: string;
  /** Replies since the last reset that a client waited for before it sent more, summed over all connections. */
  roundTrips(): number;
  resetRoundTrips(): void;
  /** From now on, nothing arrives from the server on the connections that are open; their commands still reach it. */
  loseReplies(): void;
  close(): Promise<void>;
}

/** Starts a TCP proxy in front of a Redis server that adds `roundTripMs` to every round trip and keeps the order. */
export async function startLatencyProxy(redisUrl: string, roundTripMs: number): Promise<LatencyProxy> {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let roundTrips = 0;
  const server = createServer((client) => {
    const upstream = tcpConnect(Number(target.port || 6379), target.hostname);
    let isAnswered = true;
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      const forward = (data: Buffer) => {
        if (to.writable && !(from === upstream && silent.has(client))) to.write(data);
      };
      from.on("data", (data) => {
        if (from === upstream) isAnswered = true;
        else if (isAnswered) {
          isAnswered = false;
          roundTrips += 1;
        }
        // Timers of equal delay fire in the order in which they were set.
        setTimeout(forward, roundTripMs / 2, data);
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    url: `redis://127.0.0.1:${address.port}${target.pathname}`,
    roundTrips: () => roundTrips,
    resetRoundTrips: () => {
      roundTrips = 0;
    },
    loseReplies() {
      for (const socket of sockets) silent.add(socket);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
