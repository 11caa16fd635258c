import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { createTransport, type TransportOptions } from "#src/providers/transport/http.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { isCertificateErrorCode } from "#src/providers/transport/transport-error.ts";
import { waitFor } from "#test/support/wait-for.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function transport(options: TransportOptions = {}): Transport {
  const created = createTransport(options);
  cleanups.push(() => created.close());
  return created;
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

/** A server that responds to the first bytes of a connection with raw bytes, so that the framing can be wrong. */
async function rawServer(onRequest: (socket: Socket) => void): Promise<URL> {
  const port = await listen(createTcpServer((socket) => socket.once("data", () => onRequest(socket))));
  return new URL(`http://127.0.0.1:${port}/v1/embeddings`);
}

async function httpServer(listener: RequestListener): Promise<URL> {
  return new URL(`http://127.0.0.1:${await listen(createHttpServer(listener))}/v1/embeddings?GroupId=7`);
}

function post(via: Transport, url: URL, signal = new AbortController().signal, body = '{"a":1}') {
  return via.post(
    {
      provider: "minimax",
      url,
      headers: { authorization: "Bearer k", "content-type": "application/json" },
      body,
    },
    { signal },
  );
}

describe("a call", () => {
  it("reports the beginning of the response before its body arrives", async () => {
    const began = Promise.withResolvers<void>();
    const url = await httpServer(async (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"vec');
      // This deadlocks, and the test fails, if the transport reports only the end.
      await began.promise;
      response.end('tors":[]}');
    });
    const { body } = await transport().post(
      { provider: "minimax", url, headers: {}, body: "{}" },
      { signal: new AbortController().signal, onAnswerStart: () => began.resolve() },
    );
    expect(body.toString()).toBe('{"vectors":[]}');
  });

  it("sends the body unchanged, requests no compression and returns any status", async () => {
    const seen: unknown[] = [];
    const url = await httpServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { authorization, "accept-encoding": encoding, connection } = request.headers;
      seen.push({ url: request.url, method: request.method, authorization, encoding, connection });
      response.writeHead(418, { "x-a": "b" }).end(Buffer.concat(chunks));
    });
    const answer = await post(transport(), url, undefined, "{名}");
    expect(answer).toMatchObject({ status: 418, headers: { "x-a": "b" } });
    expect(answer.body.toString()).toBe("{名}");
    expect(seen).toEqual([
      {
        url: "/v1/embeddings?GroupId=7",
        method: "POST",
        authorization: "Bearer k",
        encoding: "identity",
        connection: "keep-alive",
      },
    ]);
  });

  it("reuses a connection, and opens several when needed", async () => {
    const ports = new Set<number | undefined>();
    const held: (() => void)[] = [];
    const url = await httpServer((request, response) => {
      ports.add(request.socket.remotePort);
      held.push(() => response.end("x"));
    });
    const via = transport();
    for (let n = 0; n < 8; n++) {
      const answer = post(via, url);
      await waitFor(() => held.length === 1);
      held.pop()?.();
      await answer;
    }
    // A connection is idle for one turn of the event loop before its next call, so two of them alternate.
    expect(ports.size).toBeLessThanOrEqual(2);
    const answers = Array.from({ length: 300 }, () => post(via, url));
    await waitFor(() => held.length === 300, { what: "300 calls at once" });
    for (const release of held) release();
    await Promise.all(answers);
  });

  it("does not follow redirects", async () => {
    let calls = 0;
    const url = await httpServer((_, response) => {
      calls += 1;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    expect((await post(transport(), url)).status).toBe(307);
    expect(calls).toBe(1);
  });

  it("assembles a body of many chunks", async () => {
    const text = "x".repeat(3_000_000);
    const url = await httpServer((_, response) => response.end(text));
    expect((await post(transport(), url)).body.toString()).toBe(text);
  });
});

describe("limits", () => {
  it("times out without a response", async () => {
    const url = await rawServer(() => undefined);
    await expect(post(transport({ headersTimeoutMs: 100 }), url)).rejects.toMatchObject({
      kind: "timeout",
      code: "UND_ERR_HEADERS_TIMEOUT",
    });
  });

  it("times out when the body stalls", async () => {
    const url = await rawServer((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    await expect(post(transport({ idleTimeoutMs: 100 }), url)).rejects.toMatchObject({
      kind: "timeout",
      code: "UND_ERR_BODY_TIMEOUT",
    });
  });

  it("times out when bytes trickle in for too long", async () => {
    const url = await rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 10);
      socket.once("close", () => clearInterval(timer));
    });
    await expect(post(transport({ totalTimeoutMs: 200 }), url)).rejects.toMatchObject({
      kind: "timeout",
      code: "TOTAL_TIMEOUT",
    });
  });

  it("rejects a body that is too large while it arrives", async () => {
    let closed = false;
    const url = await httpServer((_, response) => {
      response.once("close", () => {
        closed = true;
      });
      response.write(Buffer.alloc(64 * 1024));
    });
    await expect(post(transport({ maxBodyBytes: 10_000 }), url)).rejects.toMatchObject({
      kind: "bad-response",
      code: "BODY_TOO_LARGE",
    });
    await waitFor(() => closed);
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ])("inflates %s that was not requested, but not past the limit", async (encoding, compress) => {
    let body = Buffer.from('{"ok":true}');
    const url = await httpServer((_, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end(compress(body));
    });
    const via = transport({ maxBodyBytes: 1_000_000 });
    expect((await post(via, url)).body.toString()).toBe('{"ok":true}');
    body = Buffer.alloc(20_000_000);
    await expect(post(via, url)).rejects.toMatchObject({
      kind: "bad-response",
      message: "the response is larger than 1000000 bytes when decompressed",
    });
  });

  it.each([
    ["gzip", "cannot be decompressed"],
    ["rot13", "unknown content encoding"],
  ])("rejects a body that is wrongly declared as %s", async (encoding, message) => {
    const url = await httpServer((_, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end("plain");
    });
    await expect(post(transport(), url)).rejects.toMatchObject({
      kind: "bad-response",
      message: expect.stringContaining(message),
    });
  });
});

describe("aborting", () => {
  const aborted = { kind: "aborted", message: "the call was aborted" };

  it("rejects immediately before anything is sent", async () => {
    let calls = 0;
    const url = await httpServer(() => {
      calls += 1;
    });
    await expect(post(transport(), url, AbortSignal.abort())).rejects.toMatchObject(aborted);
    expect(calls).toBe(0);
  });

  it("rejects while waiting for the response, and closes the connection", async () => {
    let state = "none";
    const url = await httpServer((_, response) => {
      state = "received";
      response.once("close", () => {
        state = "closed";
      });
    });
    const abort = new AbortController();
    const answer = post(transport(), url, abort.signal);
    await waitFor(() => state === "received");
    abort.abort();
    await expect(answer).rejects.toMatchObject(aborted);
    await waitFor(() => state === "closed");
  });

  it("rejects during a body", async () => {
    const url = await httpServer((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half");
    });
    const abort = new AbortController();
    const answer = post(transport(), url, abort.signal);
    const timer = setInterval(() => abort.abort(), 50);
    await expect(answer).rejects.toMatchObject(aborted);
    clearInterval(timer);
  });

  it("rejects a call that waits for a connection and never sends it", async () => {
    const bodies: string[] = [];
    const held: (() => void)[] = [];
    const url = await httpServer((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(String(chunk)));
      held.push(() => response.end("x"));
    });
    const via = transport({ connections: 1 });
    const first = post(via, url, undefined, "first");
    await waitFor(() => held.length === 1);
    const abort = new AbortController();
    const second = post(via, url, abort.signal, "second");
    abort.abort();
    await expect(second).rejects.toMatchObject(aborted);
    held.pop()?.();
    await first;
    const third = post(via, url, undefined, "third");
    await waitFor(() => held.length === 1);
    held.pop()?.();
    await third;
    expect(bodies).toEqual(["first", "third"]);
  });

  it("fails calls in flight when the transport is closed, which is idempotent", async () => {
    let received = false;
    const url = await httpServer(() => {
      received = true;
    });
    const via = transport();
    const answer = post(via, url);
    const settled = expect(answer).rejects.toMatchObject({ kind: "aborted" });
    await waitFor(() => received);
    await via.close();
    await via.close();
    await settled;
    await expect(post(via, url)).rejects.toMatchObject({ kind: "aborted" });
  });
});

describe("a bad connection", () => {
  it("is a network error when no server listens", async () => {
    const port = await listen(createTcpServer());
    await cleanups.pop()?.();
    await expect(post(transport(), new URL(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({
      kind: "network",
      code: "ECONNREFUSED",
    });
  });

  it("is a network error if it is reset", async () => {
    const url = await rawServer((socket) => socket.resetAndDestroy());
    await expect(post(transport(), url)).rejects.toMatchObject({ kind: "network", code: "ECONNRESET" });
  });

  it("is a network error when it ends before or within the response", async () => {
    const before = await rawServer((socket) => socket.end());
    await expect(post(transport(), before)).rejects.toMatchObject({
      kind: "network",
      code: "UND_ERR_SOCKET",
    });
    const within = await rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    await expect(post(transport(), within)).rejects.toMatchObject({ kind: "network" });
  });

  it("is a bad response if it is not HTTP", async () => {
    const url = await rawServer((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    await expect(post(transport(), url)).rejects.toMatchObject({ kind: "bad-response" });
  });

  it("reads Connection: close responses slowly without an error", async () => {
    const body = "x".repeat(2_000_000);
    const url = await rawServer((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
    );
    const via = transport({ connections: 4 });
    const answers = Array.from({ length: 20 }, async () => {
      const answer = await post(via, url);
      // Blocks this thread while other responses fill their sockets.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      return answer.body.length;
    });
    expect(await Promise.all(answers)).toEqual(Array(20).fill(body.length));
  });
});

describe("TLS", () => {
  const cert = readFileSync(new URL("../../fixtures/tls/localhost.cert.pem", import.meta.url), "utf8");
  const key = readFileSync(new URL("../../fixtures/tls/localhost.key.pem", import.meta.url), "utf8");

  async function tlsServer(): Promise<URL> {
    const port = await listen(createHttpsServer({ cert, key }, (_, response) => response.end("secret")));
    return new URL(`https://127.0.0.1:${port}/`);
  }

  it("rejects a certificate of an unknown CA, and says how to fix it", async () => {
    const error = await post(transport(), await tlsServer()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "network", message: expect.stringContaining("NODE_EXTRA_CA_CERTS") });
    expect(isCertificateErrorCode((error as { code?: string }).code)).toBe(true);
  });

  it("accepts it with the additional CA", async () => {
    expect((await post(transport({ extraCa: cert }), await tlsServer())).body.toString()).toBe("secret");
  });
});

describe("a proxy", () => {
  /** Responds to forwarded plain requests itself, and connects tunnels to their targets. */
  async function proxyServer(seen: string[]): Promise<string> {
    const server = createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end("from the proxy");
    });
    server.on("connect", (request, client: Socket) => {
      seen.push(`CONNECT ${request.url}`);
      const [host = "", port] = (request.url ?? "").split(":");
      const upstream = connect(Number(port), host, () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on("error", () => client.destroy());
      client.on("error", () => upstream.destroy());
    });
    return `http://127.0.0.1:${await listen(server)}`;
  }

  it("is used for http and https upstreams, but not for the hosts in noProxy", async () => {
    const seen: string[] = [];
    const httpProxy = await proxyServer(seen);
    const cert = readFileSync(new URL("../../fixtures/tls/localhost.cert.pem", import.meta.url), "utf8");
    const key = readFileSync(new URL("../../fixtures/tls/localhost.key.pem", import.meta.url), "utf8");
    const tlsPort = await listen(createHttpsServer({ cert, key }, (_, response) => response.end("through a tunnel")));
    const direct = await httpServer((_, response) => response.end("direct"));
    const via = transport({ httpProxy, httpsProxy: httpProxy, extraCa: cert });
    const answer = await post(via, new URL(`https://127.0.0.1:${tlsPort}/`));
    expect(answer.body.toString()).toBe("through a tunnel");
    expect((await post(via, direct)).body.toString()).toBe("from the proxy");
    expect(seen).toEqual([`CONNECT 127.0.0.1:${tlsPort}`, `POST ${direct.href}`]);
    const past = transport({ httpProxy, httpsProxy: httpProxy, noProxy: "localhost, 127.0.0.1" });
    expect((await post(past, direct)).body.toString()).toBe("direct");
  });

  it("is not taken from the environment", async () => {
    const url = await httpServer((_, response) => response.end("direct"));
    const before = process.env.HTTP_PROXY;
    process.env.HTTP_PROXY = "http://127.0.0.1:1";
    try {
      expect((await post(transport(), url)).body.toString()).toBe("direct");
      expect((await post(transport({ httpsProxy: "http://127.0.0.1:1" }), url)).body.toString()).toBe("direct");
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY;
      else process.env.HTTP_PROXY = before;
    }
  });
});
