import { randomBytes, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import type { Role } from "../contract.ts";

/** Who is signed in. */
export interface Person {
  readonly role: Role;
  /** As it stands in audit lines. */
  readonly who: string;
  /** Epoch ms; absent behind an open door. */
  readonly expiresAt?: number;
}

export const SESSION_MS = 12 * 3600_000;

/**
 * Makes and reads the tokens in session cookies. The key is random and lives as long as the server: a restart signs
 * everybody out, and there is nothing on disk or in Redis to steal.
 */
export class SessionTokens {
  readonly #key = randomBytes(32);
  readonly #now: () => number;
  /** Ids of tokens that were signed out -> when they would have ended. */
  readonly #revoked = new Map<string, number>();

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  async issue(role: Role, who: string): Promise<{ readonly token: string; readonly person: Person }> {
    const now = this.#now();
    const expiresAt = now + SESSION_MS;
    const token = await new SignJWT({ role, who })
      .setProtectedHeader({ alg: "HS256" })
      .setJti(randomUUID())
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(this.#key);
    return { token, person: { role, who, expiresAt } };
  }

  /** Undefined for what is no token of this server, or is over. */
  async read(token: string): Promise<Person | undefined> {
    const claims = await this.#verify(token);
    if (!claims || this.#revoked.has(claims.id)) return undefined;
    return claims.person;
  }

  /** From now on the token is none. Only tokens of this server are remembered, until they would have ended. */
  async revoke(token: string): Promise<void> {
    const claims = await this.#verify(token);
    if (!claims) return;
    const now = this.#now();
    for (const [id, until] of this.#revoked) if (until <= now) this.#revoked.delete(id);
    this.#revoked.set(claims.id, claims.person.expiresAt);
  }

  async #verify(
    token: string,
  ): Promise<{ readonly id: string; readonly person: Required<Person> } | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ["HS256"],
        requiredClaims: ["exp", "jti"],
        currentDate: new Date(this.#now()),
      });
      const { role, who, exp, jti } = payload;
      if ((role !== "viewer" && role !== "operator") || typeof who !== "string") return undefined;
      if (exp === undefined || jti === undefined) return undefined;
      return { id: jti, person: { role, who, expiresAt: exp * 1000 } };
    } catch {
      return undefined;
    }
  }
}
