import type { SignedTarget } from "./sign-request.ts";

/**
 * A URL and the targets for which it may have to be signed. The signature covers host and path as seen by the server. For a
 * base URL without a path there is one target. A base URL with a path belongs to a proxy, which may forward the path, strip
 * its prefix, or also replace the host with the provider's own. Since the client cannot know which, `targets` contains all
 * three; the first one that is not rejected is used from then on.
 */
export class SignedEndpoint {
  readonly url: URL;
  readonly #targets: readonly SignedTarget[];
  #known: SignedTarget | undefined;

  /** `officialBaseUrl` is the provider's own base URL of the service. */
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

  /** The targets to sign for, in the order in which to try them. */
  get targets(): readonly SignedTarget[] {
    return this.#known ? [this.#known] : this.#targets;
  }

  /** Records that the server accepted a signature for this target. */
  confirm(target: SignedTarget): void {
    this.#known = target;
  }
}
