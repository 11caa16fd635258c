import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { encodeCloseFrame, encodeTextMessage, encodeUpgradeResponse } from "./websocket-frames.ts";

export interface ReplayServer {
  /** "http://127.0.0.1:port". */
  readonly origin: string;
  readonly connections: () => number;
  /** Sockets that are open now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** A server that answers each request on a connection with whatever `answer` writes, raw. */
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

/** The first whole request in what was received. */
function takeRequest(received: string): string | undefined {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const length = Number(/content-length: (\d+)/i.exec(received.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return received.length < end ? undefined : received.slice(0, end);
}

export interface Reply {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: readonly string[];
  /** `close`: the end of the connection ends the body. */
  readonly framing?: "chunked" | "length" | "close";
}

/**
 * All bytes of an answer whose end is the end of the connection. A request for a WebSocket is accepted, unless the
 * status says otherwise, and gets bytes as they are and text as its one message.
 */
export function encodeResponse(request: string, body: string | Buffer, options: Reply = {}): Buffer {
  const { status = 200, ...others } = options;
  if (/^upgrade: websocket/im.test(request) && status < 300) {
    const sent = typeof body === "string" ? Buffer.concat([encodeTextMessage(body), encodeCloseFrame()]) : body;
    return Buffer.concat([encodeUpgradeResponse(request), sent]);
  }
  const head = replyHead({ ...others, status: status === 101 ? 200 : status });
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** Writes an answer; the connection stays open unless its end is the end of the body. */
export function reply(socket: Socket, body: string | Buffer, options: Reply = {}): void {
  const { framing = "close" } = options;
  const bytes = Buffer.from(body);
  socket.write(replyHead(options, bytes.length));
  if (framing === "chunked") {
    if (bytes.length > 0) socket.write(chunk(bytes));
    socket.write("0\r\n\r\n");
  } else socket.write(bytes);
  if (framing === "close") socket.end();
}

export function replyHead(
  { status = 200, contentType = "text/event-stream", headers = [], framing = "close" }: Reply,
  length = 0,
): string {
  const frame = {
    chunked: "transfer-encoding: chunked",
    length: `content-length: ${length}`,
    close: "connection: close",
  };
  return [`HTTP/1.1 ${status} X`, `content-type: ${contentType}`, frame[framing], ...headers, "", ""].join("\r\n");
}

export function chunk(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
