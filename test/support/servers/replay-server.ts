import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { encodeCloseFrame, encodeTextMessage, encodeUpgradeResponse } from "./websocket-frames.ts";

export interface ReplayServer {
  /** "http://127.0.0.1:port". */
  readonly origin: string;
  readonly connections: () => number;
  /** Number of open sockets. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** Starts a server that calls `answer` for each request; `answer` writes the raw bytes of the response. */
export async function startReplayServer(answer: (socket: Socket, request: string) => void): Promise<ReplayServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      const request = takeRequest(received);
      if (request === undefined) return;
      received = received.slice(request.length);
      answer(socket, request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    open: () => sockets.size,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The first complete request in `received`. */
function takeRequest(received: string): string | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const length = Number(/content-length: (\d+)/i.exec(received.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return received.length < end ? undefined : received.slice(0, end);
}

export interface ResponseOptions {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: readonly string[];
  /** `close`: the body ends when the connection is closed. */
  readonly framing?: "chunked" | "length" | "close";
}

/**
 * All bytes of a response whose body ends with the connection. A WebSocket handshake is accepted unless `status` is an
 * error; after it, a Buffer is sent unchanged and a string as the only message.
 */
export function encodeCompleteResponse(request: string, body: string | Buffer, options: ResponseOptions = {}): Buffer {
  const { status = 200, ...others } = options;
  if (/^upgrade: websocket/im.test(request) && status < 300) {
    const sent = typeof body === "string" ? Buffer.concat([encodeTextMessage(body), encodeCloseFrame()]) : body;
    return Buffer.concat([encodeUpgradeResponse(request), sent]);
  }
  const head = encodeResponseHead({ ...others, status: status === 101 ? 200 : status });
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** Writes a response. Closes the connection only with the framing `close`. */
export function writeResponse(socket: Socket, body: string | Buffer, options: ResponseOptions = {}): void {
  const { framing = "close" } = options;
  const bytes = Buffer.from(body);
  socket.write(encodeResponseHead(options, bytes.length));
  if (framing === "chunked") {
    if (bytes.length > 0) socket.write(encodeChunk(bytes));
    socket.write("0\r\n\r\n");
  } else socket.write(bytes);
  if (framing === "close") socket.end();
}

export function encodeResponseHead(
  { status = 200, contentType = "text/event-stream", headers = [], framing = "close" }: ResponseOptions,
  length = 0,
): string {
  const frame = {
    chunked: "transfer-encoding: chunked",
    length: `content-length: ${length}`,
    close: "connection: close",
  };
  return [`HTTP/1.1 ${status} X`, `content-type: ${contentType}`, frame[framing], ...headers, "", ""].join("\r\n");
}

export function encodeChunk(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
