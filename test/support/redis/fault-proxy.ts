import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";

/** Commands that the client library itself sends; they are not counted. */
const CONNECTION_COMMANDS = new Set(["client", "info", "hello", "auth", "select", "ping", "quit"]);

/** Where the connection is cut: after `forward` commands, the next command or only its reply is lost. */
export interface ConnectionCut {
  readonly forward: number;
  readonly lose: "command" | "reply";
}

export interface FaultProxy {
  readonly port: number;
  /** Cuts the next new connection; later connections are not affected. */
  cut(cut: ConnectionCut): void;
  close(): Promise<void>;
}

/** Starts a TCP proxy in front of a Redis server that cuts connections at a given command. */
export async function startFaultProxy(redisUrl: string): Promise<FaultProxy> {
  const target = new URL(redisUrl);
  let pendingCut: ConnectionCut | undefined;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = tcpConnect(Number(target.port || 6379), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    const destroyBoth = () => {
      client.destroy();
      upstream.destroy();
    };
    const cut = pendingCut;
    pendingCut = undefined;
    let passed = 0;
    let isDroppingReplies = false;
    let pending: Buffer = Buffer.alloc(0);
    client.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      for (let command = parseFirstCommand(pending); command; command = parseFirstCommand(pending)) {
        const bytes = pending.subarray(0, command.length);
        pending = pending.subarray(command.length);
        if (cut && !CONNECTION_COMMANDS.has(command.name)) {
          if (passed === cut.forward && cut.lose === "command") return destroyBoth();
          if (passed === cut.forward) isDroppingReplies = true;
          passed += 1;
        }
        if (isDroppingReplies && passed > (cut?.forward ?? 0) + 1) return;
        upstream.write(bytes);
      }
    });
    upstream.on("data", (data) => (isDroppingReplies ? destroyBoth() : client.write(data)));
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return {
    port: address.port,
    cut: (cut) => {
      pendingCut = cut;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Name and length in bytes of the first complete command in `bytes`; undefined if there is none. */
function parseFirstCommand(bytes: Buffer): { name: string; length: number } | undefined {
  const header = readLine(bytes, 0);
  if (!header?.text.startsWith("*")) return undefined;
  let at = header.end;
  let name = "";
  for (let i = 0; i < Number(header.text.slice(1)); i++) {
    const size = readLine(bytes, at);
    if (!size) return undefined;
    const end = size.end + Number(size.text.slice(1)) + 2;
    if (end > bytes.length) return undefined;
    if (i === 0) name = bytes.toString("latin1", size.end, end - 2).toLowerCase();
    at = end;
  }
  return { name, length: at };
}

function readLine(bytes: Buffer, from: number): { text: string; end: number } | undefined {
  const end = bytes.indexOf("\r\n", from);
  return end < 0 ? undefined : { text: bytes.toString("latin1", from, end), end: end + 2 };
}
