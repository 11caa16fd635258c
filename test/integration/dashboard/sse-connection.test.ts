import { connect } from "node:net";
import { fastify } from "fastify";
import { expect, it } from "vitest";
import type { LatestRecords } from "#src/dashboard/items/item-api.ts";
import { SseConnection } from "#src/dashboard/live/sse-connection.ts";

const records: LatestRecords = {
  run: "x".repeat(100_000),
  at: 0,
  records: [],
};

it("a reader that reads nothing is disconnected, and costs bounded memory", async () => {
  const server = fastify({ forceCloseConnections: true });
  const opened = Promise.withResolvers<SseConnection>();
  server.get("/", (_request, reply) => {
    opened.resolve(new SseConnection(reply));
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  const address = server.server.address();
  const socket = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  try {
    const connection = await opened.promise;
    let sent = 0;
    // Far more than the socket buffers on both sides and the backlog can hold.
    while (!connection.signal.aborted && sent < 2_000) {
      connection.send("records", records);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(connection.signal.aborted).toBe(true);
    // Sending to a closed connection does no harm.
    connection.send("records", records);
  } finally {
    socket.destroy();
    await server.close();
  }
});
