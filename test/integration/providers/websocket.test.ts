import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import type { SocketAnswer } from "#src/providers/transport/transport.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A WebSocket server that calls `serve` after the first message. */
async function socketServer(serve: (client: WebSocket, socket: Socket, message: string) => void): Promise<URL> {
  const http = createHttpServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on("connection", (client, request) => {
    client.on("error", () => undefined);
    client.once("message", (data) => serve(client, request.socket, String(data)));
  });
  return new URL(`ws://127.0.0.1:${await listen(http)}/v1.1/chat?a=b`);
}

/** A TCP server that responds to the handshake with the result of `respond` for its key. */
async function rawServer(respond: (socket: Socket, accept: string) => void): Promise<URL> {
  const server = createTcpServer((socket) =>
    socket.once("data", (data) => {
      const key = /sec-websocket-key: (\S+)/i.exec(data.toString("latin1"))?.[1] ?? "";
      const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
      respond(
        socket,
        createHash("sha1")
          .update(key + guid)
          .digest("base64"),
      );
    }),
  );
  return new URL(`ws://127.0.0.1:${await listen(server)}/`);
}

const upgraded = (accept: string) =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

async function httpServer(listener: RequestListener): Promise<URL> {
  return new URL(`ws://127.0.0.1:${await listen(createHttpServer(listener))}/`);
}

function open(
  url: URL,
  socket: TransportOptions["socket"] = {},
  signal = new AbortController().signal,
): Promise<SocketAnswer> {
  const transport = createTransport({ socket });
  cleanups.push(() => transport.close());
  return transport.openSocket!({ provider: "p", url, message: '{"问":1}' }, { signal });
}

async function read(answer: SocketAnswer): Promise<string[]> {
  if (!("frames" in answer)) throw new Error(`refused with ${answer.refusal.status}`);
  const frames: string[] = [];
  for await (const group of answer.frames) frames.push(...group);
  return frames;
}

async function exchange(url: URL, socket?: TransportOptions["socket"], signal?: AbortSignal): Promise<string[]> {
  return read(await open(url, socket, signal));
}

describe("a WebSocket exchange", () => {
  it("sends one message and reads frames until the upstream closes normally", async () => {
    const url = await socketServer((client, _, message) => {
      for (const text of ["甲", message, ""]) client.send(text);
      client.close(1000);
    });
    expect(await exchange(url)).toEqual(["甲", '{"问":1}', ""]);
  });

  it("joins the fragments of a message, with split characters", async () => {
    const bytes = Buffer.from("古池や🌊");
    const url = await socketServer((client) => {
      for (let index = 0; index < bytes.length; index++)
        client.send(bytes.subarray(index, index + 1), { binary: false, fin: index === bytes.length - 1 });
      client.close(1000);
    });
    expect(await exchange(url)).toEqual(["古池や🌊"]);
  });

  it("closes the connection when the reader leaves", async () => {
    let closed = false;
    const url = await socketServer((client) => {
      client.on("close", () => {
        closed = true;
      });
      client.send("one");
    });
    const answer = await open(url);
    if (!("frames" in answer)) throw new Error("refused");
    for await (const group of answer.frames) {
      expect(group).toEqual(["one"]);
      break;
    }
    await waitFor(() => closed);
  });

  it("slows down the upstream while the reader is slow, and loses nothing", async () => {
    const total = 3000;
    let sent = 0;
    let blocked = false;
    const url = await socketServer((client, socket) => {
      const send = () => {
        for (; sent < total; sent++) {
          if (socket.writableNeedDrain) {
            blocked = true;
            socket.once("drain", send);
            return;
          }
          client.send(String(sent).padEnd(20_000, "."));
        }
        client.close(1000);
      };
      send();
    });
    const answer = await open(url);
    await waitFor(() => blocked, { what: "the upstream to be held back" });
    expect(sent).toBeLessThan(total);
    const frames = await read(answer);
    expect(frames.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  it("delivers the frames before a reset, and then fails", async () => {
    const url = await socketServer((client, socket) => {
      client.send("one");
      // The pong shows that the client has received the frame.
      client.ping();
      client.once("pong", () => socket.resetAndDestroy());
    });
    const answer = await open(url);
    if (!("frames" in answer)) throw new Error("refused");
    const frames = answer.frames[Symbol.asyncIterator]();
    expect((await frames.next()).value).toEqual(["one"]);
    await expect(frames.next()).rejects.toMatchObject({ kind: "network", provider: "p" });
  });

  it.each([
    [1008, "invalid-request"],
    [1009, "too-long"],
    [1011, "server"],
    [1012, "overloaded"],
    [1013, "overloaded"],
    [4000, "bad-response"],
  ])("maps close code %d to %s", async (code, kind) => {
    const url = await socketServer((client) => client.close(code, "PROMPT"));
    const error = await exchange(url).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind, code: `WS_CLOSE_${code}` });
    expect(error.message).not.toContain("PROMPT");
  });

  it("reports a connection that ends without a close frame as lost", async () => {
    const url = await socketServer((client, socket) => {
      client.send("one");
      socket.end();
    });
    await expect(exchange(url)).rejects.toMatchObject({ kind: "network", code: "WS_CLOSE_1006" });
  });

  it("rejects binary frames", async () => {
    const url = await socketServer((client) => client.send(Buffer.from("{}"), { binary: true }));
    await expect(exchange(url)).rejects.toMatchObject({ kind: "bad-response", code: "BINARY_FRAME" });
  });

  it("rejects a message above the limit before it is complete", async () => {
    const url = await socketServer((client) => client.send("x".repeat(5 * 1024 * 1024)));
    await expect(exchange(url)).rejects.toMatchObject({
      kind: "bad-response",
      code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    });
  });

  it("rejects a message with too many fragments", async () => {
    const url = await socketServer((client) => {
      for (let index = 0; index < 10_000; index++) client.send("", { fin: false });
    });
    await expect(exchange(url)).rejects.toMatchObject({ kind: "bad-response" });
  });

  it("rejects more bytes than the total limit", async () => {
    const url = await socketServer((client) => {
      for (let index = 0; index < 30; index++) client.send("x".repeat(1000));
    });
    await expect(exchange(url, { maxBytes: 10_000 })).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
  });

  it("rejects text that is not UTF-8, and invalid frames", async () => {
    const raw = (bytes: number[]) =>
      rawServer((socket, accept) => {
        socket.write(Buffer.concat([Buffer.from(upgraded(accept)), Buffer.from(bytes)]));
      });
    for (const bytes of [
      [0x81, 0x02, 0xc3, 0x28],
      [0xff, 0xff, 0xff, 0xff],
      [0x81, 0x81, 1, 2, 3, 4, 5],
    ])
      await expect(exchange(await raw(bytes))).rejects.toMatchObject({ kind: "bad-response", provider: "p" });
  });
});

describe("the time limits of a WebSocket exchange", () => {
  it("times out without a frame after the upgrade", async () => {
    const url = await socketServer(() => undefined);
    await expect(exchange(url, { firstFrameTimeoutMs: 60 })).rejects.toMatchObject({
      kind: "timeout",
      code: "IDLE_TIMEOUT",
      message: expect.stringContaining("no frame for 60 ms"),
    });
  });

  it("times out between frames, even if pings arrive", async () => {
    const url = await socketServer((client) => {
      client.send("one");
      const timer = setInterval(() => client.ping(), 10);
      client.once("close", () => clearInterval(timer));
    });
    await expect(exchange(url, { idleTimeoutMs: 80 })).rejects.toMatchObject({
      kind: "timeout",
      code: "IDLE_TIMEOUT",
      message: expect.stringContaining("1 frames"),
    });
  });

  it("times out for an answer that never ends", async () => {
    const url = await socketServer((client) => {
      const timer = setInterval(() => client.send("more"), 10);
      client.once("close", () => clearInterval(timer));
    });
    await expect(exchange(url, { totalTimeoutMs: 150 })).rejects.toMatchObject({
      kind: "timeout",
      code: "TOTAL_TIMEOUT",
    });
  });

  it("does not count the reader's own time as idle", async () => {
    let finish = () => undefined as unknown;
    const url = await socketServer((client) => {
      client.send("one");
      finish = () => {
        client.send("two");
        client.close(1000);
      };
    });
    const answer = await open(url, { idleTimeoutMs: 100 });
    if (!("frames" in answer)) throw new Error("refused");
    const seen: string[] = [];
    for await (const group of answer.frames) {
      seen.push(...group);
      if (seen.length > 1) continue;
      // Longer than the limit, however fast this machine is.
      await new Promise((resolve) => setTimeout(resolve, 200));
      finish();
    }
    expect(seen).toEqual(["one", "two"]);
  });

  it("times out for a handshake without a response, or with a slow one", async () => {
    const silent = await rawServer(() => undefined);
    await expect(exchange(silent, { handshakeTimeoutMs: 60 })).rejects.toMatchObject({
      kind: "timeout",
      code: "HANDSHAKE_TIMEOUT",
    });
    const trickling = await rawServer((socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n");
      const timer = setInterval(() => socket.write("X-A: b\r\n"), 10);
      socket.once("close", () => clearInterval(timer));
    });
    await expect(exchange(trickling, { handshakeTimeoutMs: 100 })).rejects.toMatchObject({
      code: "HANDSHAKE_TIMEOUT",
    });
  });
});

describe("a handshake that fails", () => {
  it.each([401, 403, 404, 500, 200])("returns status %d with its body", async (status) => {
    const url = await httpServer((_, response) => {
      response.writeHead(status, { "content-type": "application/json", "x-a": "b" });
      response.end('{"message":"HMAC signature does not match"}');
    });
    const answer = await open(url);
    if (!("refusal" in answer)) throw new Error("accepted");
    expect(answer.refusal).toMatchObject({ status, headers: { "x-a": "b" } });
    expect(answer.refusal.body.toString()).toBe('{"message":"HMAC signature does not match"}');
  });

  it("does not follow a redirect", async () => {
    let requests = 0;
    const url = await httpServer((_, response) => {
      requests += 1;
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    expect(await open(url)).toMatchObject({ refusal: { status: 302 } });
    expect(requests).toBe(1);
  });

  it("reads a bounded part of the body, and does not wait for its end", async () => {
    const url = await httpServer((_, response) => {
      response.writeHead(401);
      response.write("x".repeat(1024 * 1024));
    });
    const answer = await open(url);
    if (!("refusal" in answer)) throw new Error("accepted");
    expect(answer.refusal.body).toHaveLength(64 * 1024);
  });

  it("says what is wrong when no server listens, or it is not a WebSocket server", async () => {
    const closed = createTcpServer();
    const port = await listen(closed);
    closed.close();
    await expect(open(new URL(`ws://127.0.0.1:${port}/`))).rejects.toMatchObject({
      kind: "network",
      code: "ECONNREFUSED",
    });
    const noHttp = await rawServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
    await expect(open(noHttp)).rejects.toMatchObject({ kind: "bad-response" });
    const wrongAccept = await rawServer((socket) => socket.write(upgraded("nonsense")));
    await expect(open(wrongAccept)).rejects.toMatchObject({ kind: "bad-response" });
    const cut = await rawServer((socket) => socket.resetAndDestroy());
    await expect(open(cut)).rejects.toMatchObject({ kind: "network", code: "ECONNRESET" });
  });
});

describe("aborting a WebSocket exchange", () => {
  it("ends a call before it begins", async () => {
    const url = await socketServer(() => undefined);
    await expect(open(url, {}, AbortSignal.abort())).rejects.toMatchObject({ kind: "aborted" });
  });

  it("ends a handshake", async () => {
    const abort = new AbortController();
    let connected = false;
    const url = await rawServer(() => {
      connected = true;
    });
    const answer = open(url, {}, abort.signal);
    await waitFor(() => connected);
    abort.abort();
    await expect(answer).rejects.toMatchObject({ kind: "aborted" });
  });

  it("ends a read, and discards unread frames", async () => {
    const abort = new AbortController();
    let closed = false;
    const url = await socketServer((client) => {
      client.once("close", () => {
        closed = true;
      });
      client.send("one");
    });
    const answer = await open(url, {}, abort.signal);
    if (!("frames" in answer)) throw new Error("refused");
    const frames = answer.frames[Symbol.asyncIterator]();
    await frames.next();
    const next = frames.next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ kind: "aborted" });
    await waitFor(() => closed);
  });

  it("ends all exchanges of a transport that is closed", async () => {
    const url = await socketServer(() => undefined);
    const transport = createTransport();
    const signal = new AbortController().signal;
    const answer = await transport.openSocket!({ provider: "p", url, message: "" }, { signal });
    const reading = read(answer);
    await transport.close();
    await expect(reading).rejects.toMatchObject({ kind: "aborted" });
  });
});

describe("a proxy", () => {
  it("tunnels a secure socket, with the proxy's credentials", async () => {
    const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), "utf8");
    const [cert, key] = [pem("localhost.cert"), pem("localhost.key")];
    const secure = createHttpsServer({ cert, key });
    new WebSocketServer({ server: secure, perMessageDeflate: false }).on("connection", (client) =>
      client.once("message", (data) => {
        client.send(`you said ${data}`);
        client.close(1000);
      }),
    );
    const asked: unknown[] = [];
    const proxy = createHttpServer();
    proxy.on("connect", (request, socket) => {
      asked.push([request.url, request.headers["proxy-authorization"]]);
      const port = Number(request.url?.split(":")[1]);
      const onward = connect({ port, host: "127.0.0.1" }, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
    });
    const httpsProxy = `http://me:pass%20word@127.0.0.1:${await listen(proxy)}`;
    const url = new URL(`wss://localhost:${await listen(secure)}/`);
    const frames: string[] = [];
    const answer = await open(url, { httpsProxy, extraCa: cert });
    if (!("frames" in answer)) throw new Error("refused");
    for await (const group of answer.frames) frames.push(...group);
    expect(frames).toEqual([expect.stringMatching(/^you said /)]);
    expect(asked).toEqual([[url.host, `Basic ${Buffer.from("me:pass word").toString("base64")}`]]);
    await expect(open(url, { httpsProxy })).rejects.toThrow(/certificate was rejected/);
    await expect(open(url, { httpsProxy: "http://127.0.0.1:1" })).rejects.toMatchObject({ kind: "network" });
  });

  it("tunnels secure sockets, except to hosts in noProxy", async () => {
    const asked: string[] = [];
    const proxy = createHttpServer();
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const httpsProxy = `http://127.0.0.1:${await listen(proxy)}`;
    const plain = createTcpServer((socket) =>
      connect({ port: 1, host: "127.0.0.1" }).on("error", () => socket.destroy()),
    );
    const url = new URL(`wss://localhost:${await listen(plain)}/`);
    await expect(open(url, { httpsProxy })).rejects.toMatchObject({ kind: "network", code: "PROXY_REFUSED" });
    expect(asked).toEqual([url.host]);
    await expect(open(url, { httpsProxy, noProxy: "localhost" })).rejects.toMatchObject({ kind: "network" });
    expect(asked).toHaveLength(1);
  });
});
