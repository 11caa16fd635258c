import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Secret } from "#src/core/secret.ts";
import type { Role } from "./session-api.ts";

export interface AuthPasswords {
  readonly viewer: Secret | undefined;
  readonly operator: Secret | undefined;
}

const KEY_BYTES = 32;
/** Some 50 ms of one core and 32 MB per guess. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/**
 * Tells which password was given. The passwords themselves are hashed at once and not kept; every check costs the same,
 * whatever was given, and one is made at a time, so that a crowd of guesses does not fill the memory.
 */
export class PasswordVerifier {
  readonly #salt = randomBytes(16);
  readonly #known: Promise<readonly { readonly role: Role; readonly hash: Buffer }[]>;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ viewer, operator }: AuthPasswords) {
    // The operator first: where both passwords are the same, it opens the wider door.
    const given = [
      ["operator", operator],
      ["viewer", viewer],
    ] as const;
    this.#known = Promise.all(
      given.flatMap(([role, secret]) => (secret ? [this.#hash(secret.reveal()).then((hash) => ({ role, hash }))] : [])),
    );
    this.#known.catch(() => undefined);
  }

  /** The role that the password opens, or undefined. */
  async verifyPassword(password: string): Promise<Role | undefined> {
    const queued = this.#last.then(() => this.#hash(password));
    this.#last = queued.catch(() => undefined);
    const hash = await queued;
    const matches = (await this.#known).filter((one) => timingSafeEqual(one.hash, hash));
    return matches[0]?.role;
  }

  #hash(password: string): Promise<Buffer> {
    return new Promise((resolve, reject) =>
      scrypt(password.normalize("NFC"), this.#salt, KEY_BYTES, COST, (error, key) =>
        error ? reject(error) : resolve(key),
      ),
    );
  }
}
