import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { LimitName } from "#src/simulator/server/account.ts";
import type { FaultAction } from "#src/simulator/server/faults.ts";
import type { SimulatedProvider } from "#src/simulator/server/simulated-provider.ts";
import { checkFrame, type SimulatedVersion, type SparkChatRequest, VERSIONS } from "./check-frame.ts";
import { composeError, composeFrames } from "./frames.ts";
import { type Delivery, sendFrames } from "./send-frames.ts";
import { findSignatureProblem, type SparkKeys } from "./verify-signature.ts";

export interface SparkSocketOptions extends SparkKeys {
  readonly appId: string;
  /** Path prefix of the simulator, before the provider's paths. */
  readonly prefix: string;
  /** Whether a proxy removes the prefix, so that signatures are checked for the path without it. */
  readonly stripsPrefix: boolean;
  /** A connection without a request is closed after this time (60 s at the provider). */
  readonly idleMs: number;
  readonly now: () => number;
}

/** Errors of a throttled chat call, over WebSocket and HTTP. */
export const CHAT_THROTTLES: Readonly<Record<LimitName, { code: number; message: string }>> = {
  requests: { code: 11202, message: "AppIdQpsOverFlowError" },
  tokens: { code: 11201, message: "AppIdDayFlowOverError" },
  concurrency: { code: 11203, message: "AppIdConcurrencyOverFlowError" },
};

/** The chat interface of iFlytek Spark: a signed upgrade, one request, frames, close. */
export class SparkChatServer {
  readonly #options: SparkSocketOptions;
  readonly #provider: SimulatedProvider;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 4 * 1024 * 1024,
  });
  readonly #busyUids = new Set<string>();

  constructor(options: SparkSocketOptions, provider: SimulatedProvider) {
    this.#options = options;
    this.#provider = provider;
  }

  /** Handles an upgrade; returns false for a path of another endpoint. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const url = new URL(request.url ?? "/", "http://simulator.invalid");
    const { prefix, stripsPrefix, now } = this.#options;
    if (!url.pathname.startsWith(`${prefix}/`)) return false;
    const own = url.pathname.slice(prefix.length);
    const path = stripsPrefix ? own : url.pathname;
    const call = { method: "GET", host: request.headers.host ?? "", path, query: url.searchParams };
    const refusal = findSignatureProblem(call, this.#options, now());
    const version = VERSIONS.find((one) => one.path === own);
    if (refusal) this.#refuseUpgrade(socket, url.pathname, refusal.status, refusal.message);
    else if (!version) this.#refuseUpgrade(socket, url.pathname, 404, "no Route matched with those values");
    else
      this.#server.handleUpgrade(request, socket, head, (client) =>
        this.#serve(client, socket as Socket, version, url.pathname),
      );
    return true;
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  #refuseUpgrade(socket: Duplex, path: string, status: number, message: string): void {
    this.#provider.countRefused(path);
    const body = JSON.stringify({ message });
    const date = new Date(this.#options.now()).toUTCString();
    socket.end(
      `HTTP/1.1 ${status} Refused\r\nDate: ${date}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  #serve(client: WebSocket, socket: Socket, version: SimulatedVersion, path: string): void {
    // An error is followed by "close", which is handled.
    client.on("error", () => undefined);
    const idle = setTimeout(() => client.close(1000), this.#options.idleMs);
    client.once("close", () => clearTimeout(idle));
    let hasRequest = false;
    client.on("message", (data: Buffer) => {
      clearTimeout(idle);
      if (hasRequest) sendError(client, 10007, "one request per connection");
      else this.#answer(client, socket, checkFrame(data, this.#options.appId, version), path);
      hasRequest = true;
    });
  }

  #answer(
    client: WebSocket,
    socket: Socket,
    request: SparkChatRequest | { readonly code: number; readonly message: string },
    path: string,
  ): void {
    if ("code" in request) {
      this.#provider.countRefused(path);
      sendError(client, request.code, request.message);
      return;
    }
    const { uid } = request;
    if (uid !== undefined && this.#busyUids.has(uid)) {
      this.#provider.countRefused(path);
      sendError(client, 10007, "the user's previous request is not finished");
      return;
    }
    const admission = this.#provider.admit(path, request.texts, request.promptTokens);
    if ("limit" in admission) {
      const { code, message } = CHAT_THROTTLES[admission.limit];
      sendError(client, code, message);
      return;
    }
    const { release, fault } = admission;
    if (uid !== undefined) this.#busyUids.add(uid);
    const finish = () => {
      if (uid !== undefined) this.#busyUids.delete(uid);
      release();
    };
    client.once("close", finish);
    void this.#provider.waitForTurn(client).then(() => {
      if (client.readyState !== client.OPEN) return;
      // The client may make its next call as soon as it has the last frame, so the slot must be free before.
      reply(client, socket, request, fault, { paceMs: this.#provider.settings.deltaMs, onLast: finish });
    });
  }
}

function reply(
  client: WebSocket,
  socket: Socket,
  request: SparkChatRequest,
  fault: FaultAction | undefined,
  delivery: Pick<Delivery, "paceMs" | "onLast">,
): void {
  const sid = newSid();
  switch (fault?.type) {
    case undefined:
    case "frames":
      sendFrames(client, socket, composeFrames(request, sid), { ...delivery, fault });
      break;
    case "code":
      sendError(client, fault.code, fault.message ?? "simulated failure");
      break;
    case "reset":
      socket.resetAndDestroy();
      break;
    case "stall":
      sendFrames(client, socket, composeFrames(request, sid), {
        ...delivery,
        fault: { defect: "stall", code: 0 },
      });
      break;
    default:
      // Faults that do not apply to WebSockets end the connection without an answer.
      client.close(1000);
  }
}

function sendError(client: WebSocket, code: number, message: string): void {
  client.send(JSON.stringify(composeError(code, message, newSid())));
  client.close(1000);
}

function newSid(): string {
  return `cht000${randomBytes(5).toString("hex")}@dx18simulated`;
}
