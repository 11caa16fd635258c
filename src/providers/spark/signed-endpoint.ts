import type { SignedTarget } from "./sign-request.ts";

/**
 * An address and the ways it may have to be signed. The signature covers host and path as the server sees them. A
 * base URL without a path leaves no doubt. Behind one with a path stands a proxy: it may pass the path on, take its
 * prefix off, or put the provider's own host in as well, and nothing tells which. `targets` holds all three; the
 * first that is not refused is right and is kept.
 */
export class SignedEndpoint {
  readonly url: URL;
  readonly #targets: readonly SignedTarget[];
  #known: SignedTarget | undefined;

  /** `officialBaseUrl` is where the service lives when no proxy stands before it. */
  constructor(method: SignedTarget["method"], baseUrl: string, path: string, officialBaseUrl: string) {
    const base = baseUrl.replace(/\/+$/, "");
    this.url = new URL(base + path);
    const { host, pathname } = this.url;
    const asSent = { method, host, path: pathname };
    const hasPrefix = new URL(base).pathname !== "/";
    this.#targets = hasPrefix
      ? [asSent, { method, host, path }, { method, host: new URL(officialBaseUrl).host, path }]
      : [asSent];
  }

  /** What to sign for, in the order to try. */
  get targets(): readonly SignedTarget[] {
    return this.#known ? [this.#known] : this.#targets;
  }

  /** The server verified a signature made for this target. */
  confirm(target: SignedTarget): void {
    this.#known = target;
  }
}
