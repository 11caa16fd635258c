import { createServer, type Socket, connect as tcpConnect } from "node:net";

export interface LatencyProxy {
  readonly url: string;
  /** Replies since the last reset that a client waited for before it sent more, summed over all connections. */
  roundTrips(): number;
  resetRoundTrips(): void;
  close(): Promise<void>;
}

/** Starts a TCP proxy in front of a Redis server that adds `roundTripMs` to every round trip and keeps the order. */
export async function startLatencyProxy(redisUrl: string, roundTripMs: number): Promise<LatencyProxy> {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
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
      // Timers of equal delay fire in the order in which they were set.
      from.on("data", (data) => {
        if (from === upstream) isAnswered = true;
        else if (isAnswered) {
          isAnswered = false;
          roundTrips += 1;
        }
        setTimeout(() => to.writable && to.write(data), roundTripMs / 2);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    url: `redis://127.0.0.1:${address.port}${target.pathname}`,
    roundTrips: () => roundTrips,
    resetRoundTrips: () => {
      roundTrips = 0;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
