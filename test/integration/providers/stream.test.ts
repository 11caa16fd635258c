import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import type { HttpStream, TimeLimits } from "#src/providers/transport/transport.ts";
import {
  encodeChunk,
  encodeResponseHead,
  type ReplayServer,
  startReplayServer,
  writeResponse,
} from "#test/support/servers/replay-server.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(...answer: Parameters<typeof startReplayServer>): Promise<ReplayServer> {
  const server = await startReplayServer(...answer);
  cleanups.push(() => server.close());
  return server;
}

function createStreamOpener(server: ReplayServer, options: TransportOptions = {}) {
  const transport = createTransport(options);
  cleanups.push(() => transport.close());
  return (signal = new AbortController().signal, timeLimits?: TimeLimits): Promise<HttpStream> =>
    transport.stream(
      {
        provider: "test",
        url: new URL(`${server.origin}/v1`),
        headers: {},
        body: "{}",
        ...(timeLimits && { timeLimits }),
      },
      { signal },
    );
}

async function read(stream: HttpStream, onChunk: (chunk: Buffer) => unknown = () => undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const piece of stream.body) {
    chunks.push(piece);
    await onChunk(piece);
  }
  return Buffer.concat(chunks);
}

describe("a streamed response", () => {
  it.each(["chunked", "length", "close"] as const)("is read to its end with %s framing", async (framing) => {
    const open = createStreamOpener(
      await serve((socket) => writeResponse(socket, "hello", { framing, headers: ["x-a: b"] })),
    );
    const stream = await open();
    expect(stream).toMatchObject({ status: 200 });
    expect(stream.headers["x-a"]).toBe("b");
    expect((await read(stream)).toString()).toBe("hello");
  });

  it("is delivered before it is complete", async () => {
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing: "chunked" }));
      socket.write(encodeChunk("first"));
      socket.once("wake", () => socket.write(Buffer.concat([encodeChunk("second"), Buffer.from("0\r\n\r\n")])));
      wake = () => socket.emit("wake");
    });
    let wake = () => false;
    const seen: string[] = [];
    await read(await createStreamOpener(server)(), (piece) => {
      seen.push(piece.toString());
      if (seen.length === 1) wake();
    });
    expect(seen).toEqual(["first", "second"]);
  });

  it.each([64 * 1024, 5 * 1024 * 1024])(
    "of %d bytes with Connection: close outlives a slow reader, whole",
    async (size) => {
      const body = Buffer.alloc(size, "abcdefgh");
      const open = createStreamOpener(await serve((socket) => writeResponse(socket, body)));
      const got = await read(await open(), () => new Promise((resolve) => setImmediate(resolve)));
      expect(got.equals(body)).toBe(true);
    },
  );

  it("slows down its sender to the speed of the reader", async () => {
    let sent = 0;
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing: "close" }));
      const part = Buffer.alloc(256 * 1024);
      const push = () => {
        while (sent < 64 && socket.write(part)) sent += 1;
        if (sent < 64) socket.once("drain", push);
        else socket.end();
        sent += 1;
      };
      push();
    });
    const stream = await createStreamOpener(server)();
    const reader = stream.body[Symbol.asyncIterator]();
    await reader.next();
    // The buffers of both sockets and the queue hold far less than the complete body.
    let before = -1;
    await waitFor(() => {
      const still = sent === before;
      before = sent;
      return still;
    });
    expect(sent).toBeLessThan(50);
    let rest = 0;
    for (let next = await reader.next(); !next.done; next = await reader.next()) rest += next.value.length;
    expect(rest).toBeGreaterThan(10 * 1024 * 1024);
  });

  it("fails without meaningful events, even if bytes trickle in", async () => {
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing: "chunked" }));
      const timer = setInterval(() => socket.write(encodeChunk(": keep-alive\n\n")), 10);
      socket.once("close", () => clearInterval(timer));
    });
    const failed = read(await createStreamOpener(server, { idleTimeoutMs: 150 })());
    await expect(failed).rejects.toMatchObject({ kind: "timeout", code: "IDLE_TIMEOUT" });
    await waitFor(() => server.open() === 0);
  });

  it("continues while meaningful events arrive, up to its total time", async () => {
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing: "chunked" }));
      const timer = setInterval(() => socket.write(encodeChunk("data: x\n\n")), 10);
      socket.once("close", () => clearInterval(timer));
    });
    const stream = await createStreamOpener(server, { idleTimeoutMs: 100, streamTotalTimeoutMs: 400 })();
    await expect(read(stream, () => stream.alive())).rejects.toMatchObject({
      kind: "timeout",
      code: "TOTAL_TIMEOUT",
    });
  });

  it("does not count the time of a slow reader as idle", async () => {
    const open = createStreamOpener(await serve((socket) => writeResponse(socket, Buffer.alloc(512 * 1024))), {
      idleTimeoutMs: 60,
    });
    const stream = await open();
    let slept = false;
    await read(stream, async () => {
      stream.alive();
      // Longer than the limit, however fast this machine is.
      if (!slept) await new Promise((resolve) => setTimeout(resolve, 200));
      slept = true;
    });
  });

  it("times out waiting for headers", async () => {
    const open = createStreamOpener(await serve(() => undefined));
    await expect(open(undefined, { headersMs: 50 })).rejects.toMatchObject({ kind: "timeout" });
  });

  it("fails immediately when aborted: before, between headers and body, and while reading", async () => {
    const server = await serve((socket, request) => {
      if (request.includes("never")) return;
      socket.write(encodeResponseHead({ framing: "chunked" }));
      socket.write(encodeChunk("first"));
    });
    const open = createStreamOpener(server);
    await expect(open(AbortSignal.abort())).rejects.toMatchObject({ kind: "aborted" });
    const controller = new AbortController();
    const stream = await open(controller.signal);
    const failed = read(stream, () => controller.abort());
    await expect(failed).rejects.toMatchObject({ kind: "aborted" });
    await waitFor(() => server.open() === 0);
  });

  it("is closed when the reader leaves early", async () => {
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing: "chunked" }));
      socket.write(encodeChunk("first"));
    });
    const stream = await createStreamOpener(server)();
    for await (const _ of stream.body) break;
    await waitFor(() => server.open() === 0);
  });

  it("leaves its connection to the next call when the rest is drained", async () => {
    const server = await serve((socket) => writeResponse(socket, "data: [DONE]\n\nrest", { framing: "chunked" }));
    const open = createStreamOpener(server, { connections: 1 });
    for (let n = 0; n < 5; n++) {
      const stream = await open();
      for await (const _ of stream.body) {
        stream.drain();
        break;
      }
      stream.cancel();
    }
    expect(server.connections()).toBe(1);
  });

  it.each(["chunked", "length"] as const)("is an error when truncated with %s framing", async (framing) => {
    const server = await serve((socket) => {
      socket.write(encodeResponseHead({ framing }, 100));
      socket.end(framing === "chunked" ? encodeChunk("part") : "part");
    });
    await expect(createStreamOpener(server)().then(read)).rejects.toMatchObject({ kind: "network" });
  });

  it("is not read beyond its limit, compressed or not", async () => {
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024));
    const server = await serve((socket, request) => {
      void request;
      writeResponse(socket, bomb, { headers: ["content-encoding: gzip"] });
    });
    const open = createStreamOpener(server, { maxBodyBytes: 1024 * 1024 });
    await expect(open().then(read)).rejects.toMatchObject({ kind: "bad-response" });
    const plain = await serve((socket) => writeResponse(socket, Buffer.alloc(2 * 1024 * 1024)));
    await expect(createStreamOpener(plain, { maxBodyBytes: 1024 * 1024 })().then(read)).rejects.toMatchObject({
      kind: "bad-response",
      code: "BODY_TOO_LARGE",
    });
  });

  it("is inflated when compressed without a request", async () => {
    const open = createStreamOpener(
      await serve((socket) => writeResponse(socket, gzipSync("data: 字\n\n"), { headers: ["content-encoding: gzip"] })),
    );
    expect((await read(await open())).toString()).toBe("data: 字\n\n");
  });

  it("can be collected as an error, within bounds", async () => {
    const server = await serve((socket) =>
      writeResponse(socket, '{"error":1}', { status: 429, contentType: "application/json" }),
    );
    const response = await (await createStreamOpener(server)()).collect();
    expect(response).toMatchObject({ status: 429 });
    expect(response.body.toString()).toBe('{"error":1}');
    const large = await serve((socket) => writeResponse(socket, Buffer.alloc(2 * 1024 * 1024), { status: 500 }));
    await expect((await createStreamOpener(large)()).collect()).rejects.toMatchObject({
      kind: "bad-response",
    });
  });
});
