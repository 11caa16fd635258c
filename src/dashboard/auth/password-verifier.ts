import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Secret } from "#src/core/secret.ts";
import type { Role } from "./session-api.ts";

export interface AuthPasswords {
  readonly viewer: Secret | undefined;
  readonly operator: Secret | undefined;
}

const KEY_BYTES = 32;
/** About 50 ms of one core and 32 MB per guess. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/**
 * Finds the role that a password belongs to. Passwords are hashed at construction and not kept. Every check costs the
 * same, whatever the input, and checks run one at a time, so that many guesses at once do not exhaust the memory.
 */
export class PasswordVerifier {
  readonly #salt = randomBytes(16);
  readonly #hashes: Promise<readonly { readonly role: Role; readonly hash: Buffer }[]>;
  #lastCheck: Promise<unknown> = Promise.resolve();

  constructor({ viewer, operator }: AuthPasswords) {
    // The operator comes first: if both passwords are equal, the role with more rights wins.
    const configured = [
      ["operator", operator],
      ["viewer", viewer],
    ] as const;
    this.#hashes = Promise.all(
      configured.flatMap(([role, secret]) =>
        secret ? [this.#hash(secret.reveal()).then((hash) => ({ role, hash }))] : [],
      ),
    );
    this.#hashes.catch(() => undefined);
  }

  /** The role that the password grants, or undefined. */
  async verifyPassword(password: string): Promise<Role | undefined> {
    const queued = this.#lastCheck.then(() => this.#hash(password));
    this.#lastCheck = queued.catch(() => undefined);
    const hash = await queued;
    // All hashes are compared, so that the time does not depend on the role.
    const matches = (await this.#hashes).filter((known) => timingSafeEqual(known.hash, hash));
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
