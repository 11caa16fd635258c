import { once } from "node:events";
import { createServer, type Socket, connect as tcpConnect } from "node:net";

/** Starts a TCP proxy that adds `roundTripMs` to every round trip to a loopback port and keeps the order. */
export async function startLatencyProxy(
  target: number,
  roundTripMs: number,
): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = tcpConnect(target, "127.0.0.1");
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
      from.on("data", (data) => setTimeout(() => to.writable && to.write(data), roundTripMs / 2));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    port: address.port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
