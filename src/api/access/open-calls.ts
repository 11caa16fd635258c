import { CALL_LEASE_MS, type KeyUsage } from "#src/state/api-keys/key-usage.ts";

/** Keeps the reservations of this server's requests from expiring while the requests wait. */
export class OpenCalls {
  readonly #usage: KeyUsage;
  readonly #byKey = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;

  constructor(usage: KeyUsage, onError: (error: unknown) => void) {
    this.#usage = usage;
    this.#timer = setInterval(() => this.#renew().catch(onError), CALL_LEASE_MS / 4).unref();
  }

  add(keyId: string, id: string): void {
    const ids = this.#byKey.get(keyId);
    if (ids) ids.add(id);
    else this.#byKey.set(keyId, new Set([id]));
  }

  delete(keyId: string, id: string): void {
    const ids = this.#byKey.get(keyId);
    ids?.delete(id);
    if (ids?.size === 0) this.#byKey.delete(keyId);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    await Promise.all([...this.#byKey].map(([keyId, ids]) => this.#usage.renew(keyId, [...ids])));
  }
}
