import { connect, type Socket } from "node:net";

/** An error reply of the server. */
export class SocketReplyError extends Error {
  override readonly name = "SocketReplyError";
}

interface PendingReply {
  readonly resolve: (reply: string) => void;
  readonly reject: (error: Error) => void;
}

/** Long enough for a busy server, and short enough to detect one that hangs. */
const REPLY_TIMEOUT_MS = 5_000;

/**
 * Sends the few commands that are needed to start, watch and stop a server over its socket. A complete client library
 * would add half to the supervisor's memory, and there is one supervisor per folder in use.
 */
export class SocketClient {
  /** Resolves when the connection is closed by either side. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #pending: PendingReply[] = [];
  #received = "";
  #open = true;

  /** Connects and sets the connection's name; rejects if no server listens or replies. */
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
    // One character per byte, because the lengths in replies are in bytes.
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#open = false;
        for (const pending of this.#pending.splice(0)) pending.reject(new Error("the connection was closed"));
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends one line and resolves with the reply as text; rejects with a SocketReplyError for an error reply. */
  command(line: string): Promise<string> {
    if (!this.#open) return Promise.reject(new Error("the connection was closed"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Replies arrive in order, so a late reply would be taken for that of the next command.
        this.#socket.destroy(new Error("no reply"));
      }, REPLY_TIMEOUT_MS);
      const clearTimer = () => clearTimeout(timer);
      this.#pending.push({
        resolve: (reply) => {
          clearTimer();
          resolve(reply);
        },
        reject: (error) => {
          clearTimer();
          reject(error);
        },
      });
      this.#socket.write(`${line}\r\n`);
    });
  }

  /** Sets whether this open connection keeps the process alive. */
  keepProcessAlive(shouldKeep: boolean): void {
    if (shouldKeep) this.#socket.ref();
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
      const pending = this.#pending.shift();
      if (parsed.error) pending?.reject(new SocketReplyError(parsed.text));
      else pending?.resolve(parsed.text);
    }
  }
}

/** The first reply in `text`; undefined while it is incomplete. */
function parseReply(text: string): { text: string; error: boolean; length: number } | undefined {
  const end = text.indexOf("\r\n");
  if (end === -1) return undefined;
  const head = text.slice(1, end);
  if (text[0] !== "$") return { text: head, error: text[0] === "-", length: end + 2 };
  const size = Math.max(0, Number(head));
  const length = end + 2 + size + 2;
  return text.length < length ? undefined : { text: text.slice(end + 2, end + 2 + size), error: false, length };
}

/**
 * Ids of the connections of users: all that Sluice named, except those of supervisors. A "keeper" is the supervisor of
 * the previous version; if it counted as a user, the two would keep the server running for ever.
 */
export async function listUserConnections(client: SocketClient): Promise<string[]> {
  const list = await client.command("CLIENT LIST");
  return list.split("\n").flatMap((line) => {
    const name = / name=(\S*)/.exec(line)?.[1] ?? "";
    const id = /^id=(\d+)/.exec(line)?.[1];
    return id !== undefined && /^sluice:(?!supervisor:|keeper:)/.test(name) ? [id] : [];
  });
}

/** Whether the server accepts commands; false while it loads its data. Rejects if it does not reply. */
export async function isServing(client: SocketClient): Promise<boolean> {
  try {
    await client.command("PING");
    return true;
  } catch (error) {
    if (error instanceof SocketReplyError) return !error.message.startsWith("LOADING");
    throw error;
  }
}
