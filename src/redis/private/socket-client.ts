import { connect, type Socket } from "node:net";

/** The server answered, with an error. */
export class SocketReplyError extends Error {
  override readonly name = "KeeperReplyError";
}

interface Waiting {
  readonly resolve: (reply: string) => void;
  readonly reject: (error: Error) => void;
}

/** Long enough for a busy server, short enough to notice one that hangs. */
const REPLY_TIMEOUT_MS = 5_000;

/**
 * The few commands that starting, watching and stopping a server take, over its socket. A whole client library would
 * add half again to the keeper's memory, and there is one keeper for every folder in use.
 */
export class SocketClient {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #received = "";
  #open = true;

  /** Connects and names the connection; rejects when nobody listens or nobody answers. */
  static async open(path: string, name: string): Promise<SocketClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const client = new SocketClient(socket);
    try {
      await client.command(`CLIENT SETNAME ${name}`);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // One character per byte, so that the lengths in replies count characters.
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#open = false;
        for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error("the connection was closed"));
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends one line; resolves with the reply as text and rejects with a KeeperReplyError when it is an error. */
  command(line: string): Promise<string> {
    if (!this.#open) return Promise.reject(new Error("the connection was closed"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Replies come in order, so a late one would answer the next command.
        this.#socket.destroy(new Error("no reply"));
      }, REPLY_TIMEOUT_MS);
      const settled = () => clearTimeout(timer);
      this.#waiting.push({
        resolve: (reply) => {
          settled();
          resolve(reply);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#socket.write(`${line}\r\n`);
    });
  }

  /** Whether this connection keeps the process from ending. */
  keepProcessAlive(isHeld: boolean): void {
    if (isHeld) this.#socket.ref();
    else this.#socket.unref();
  }

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    for (;;) {
      const parsed = parseReply(this.#received);
      if (parsed === undefined) return;
      this.#received = this.#received.slice(parsed.length);
      const waiting = this.#waiting.shift();
      if (parsed.error) waiting?.reject(new SocketReplyError(parsed.text));
      else waiting?.resolve(parsed.text);
    }
  }
}

/** The first reply in `text`, or undefined while it is incomplete. */
function parseReply(text: string): { text: string; error: boolean; length: number } | undefined {
  const end = text.indexOf("\r\n");
  if (end === -1) return undefined;
  const head = text.slice(1, end);
  if (text[0] !== "$") return { text: head, error: text[0] === "-", length: end + 2 };
  const size = Math.max(0, Number(head));
  const length = end + 2 + size + 2;
  return text.length < length ? undefined : { text: text.slice(end + 2, end + 2 + size), error: false, length };
}

/** Ids of the connections that use the server: named by Sluice and not a keeper's. */
export async function listUserConnections(client: SocketClient): Promise<string[]> {
  const list = await client.command("CLIENT LIST");
  return list.split("\n").flatMap((line) => {
    const name = / name=(\S*)/.exec(line)?.[1] ?? "";
    const id = /^id=(\d+)/.exec(line)?.[1];
    return id !== undefined && name.startsWith("sluice:") && !name.startsWith("sluice:supervisor:") ? [id] : [];
  });
}

/** False while it loads its data; rejects when it does not answer. A refusal for another reason is an answer. */
export async function isServing(client: SocketClient): Promise<boolean> {
  try {
    await client.command("PING");
    return true;
  } catch (error) {
    if (error instanceof SocketReplyError) return !error.message.startsWith("LOADING");
    throw error;
  }
}
