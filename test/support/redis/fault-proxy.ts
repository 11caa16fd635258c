import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net";

/** Commands a client sends on its own account; they do not count. */
const CONNECTION_COMMANDS = new Set(["client", "info", "hello", "auth", "select", "ping", "quit"]);

/** Where the line is cut: `forward` commands pass first, then the next one is lost, or only its reply. */
export interface ConnectionCut {
  readonly forward: number;
  readonly lose: "command" | "reply";
}

export interface FaultProxy {
  readonly port: number;
  /** Arms the proxy: applies to connections from now on, once. */
  cut(cut: ConnectionCut): void;
  close(): Promise<void>;
}

/** A Redis server as seen through a network that dies between two commands of one's choice. */
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

/** The first whole command in the bytes: its name, and how many bytes it takes. */
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
