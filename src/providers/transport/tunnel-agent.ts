import { type ClientRequest, type IncomingMessage, request as requestPlain } from "node:http";
import { Agent as HttpsAgent, type RequestOptions, request as requestSecure } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

const TUNNEL_TIMEOUT_MS = 30_000;

type ConnectCallback = (error: Error | null, socket: Duplex) => void;

/**
 * Connects to `https:` and `wss:` hosts through a proxy with CONNECT, except for the hosts in `noProxy`. Node's own agents
 * support proxies only since 22.21; earlier versions ignore the setting, so that calls would silently bypass the proxy.
 */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;
  readonly #noProxy: string;

  constructor(httpsProxy: string, noProxy = "") {
    super({ keepAlive: false });
    this.#proxy = new URL(httpsProxy);
    this.#noProxy = noProxy;
  }

  override createConnection(options: RequestOptions, done: ConnectCallback): Duplex | null | undefined {
    const host = options.host ?? "localhost";
    const port = Number(options.port ?? 443);
    if (isProxyBypassed(host, port, this.#noProxy)) return super.createConnection(options, done);
    this.#tunnel(host, port, (error, tunnel) => {
      if (error || !tunnel) done(error ?? proxyError("no tunnel"), undefined as never);
      else done(null, connectTls({ ...tlsOptions(options, host), socket: tunnel }));
    });
    return undefined;
  }

  /** Opens a connection to the host through the proxy. */
  #tunnel(host: string, port: number, done: (error: Error | null, tunnel?: Socket) => void): void {
    const { protocol, hostname, username, password } = this.#proxy;
    const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const account = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const authorization = `Basic ${Buffer.from(account).toString("base64")}`;
    const secure = protocol === "https:";
    const connect: ClientRequest = (secure ? requestSecure : requestPlain)({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: this.#proxy.port || (secure ? 443 : 80),
      method: "CONNECT",
      path: target,
      agent: false,
      headers: username === "" ? { host: target } : { host: target, "proxy-authorization": authorization },
    });
    connect.once("connect", (answer: IncomingMessage, tunnel: Socket, head: Buffer) => {
      tunnel.setTimeout(0);
      if (answer.statusCode === 200 && head.length === 0) done(null, tunnel);
      else {
        tunnel.destroy();
        done(proxyError(`the proxy responded with ${answer.statusCode}`));
      }
    });
    connect.once("error", (error) => done(error));
    // The caller may have given up already, and then nothing else would end the request.
    connect.setTimeout(TUNNEL_TIMEOUT_MS, () => connect.destroy(proxyError("the proxy does not respond")));
    connect.end();
  }
}

function proxyError(message: string): Error {
  return Object.assign(new Error(message), { code: "PROXY_REFUSED" });
}

function tlsOptions(options: RequestOptions, host: string) {
  return { host, servername: options.servername || host, ca: options.ca };
}

/** Whether `noProxy`, a comma-separated list, contains the host or a parent domain (optionally with the port), or "*". */
export function isProxyBypassed(host: string, port: number, noProxy: string): boolean {
  const name = host.toLowerCase();
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [, domain = entry, only] = /^(.+?):(\d+)$/.exec(entry) ?? [];
      const suffix = domain.replace(/^\*?\./, "");
      return (only === undefined || Number(only) === port) && (name === suffix || name.endsWith(`.${suffix}`));
    });
}
