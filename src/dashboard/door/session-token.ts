import { randomBytes } from "node:crypto";
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

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  async issue(role: Role, who: string): Promise<{ readonly token: string; readonly person: Person }> {
    const now = this.#now();
    const expiresAt = now + SESSION_MS;
    const token = await new SignJWT({ role, who })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(this.#key);
    return { token, person: { role, who, expiresAt } };
  }

  /** Undefined for what is no token of this server, or is over. */
  async read(token: string): Promise<Person | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ["HS256"],
        requiredClaims: ["exp"],
        currentDate: new Date(this.#now()),
      });
      const { role, who, exp } = payload;
      if ((role !== "viewer" && role !== "operator") || typeof who !== "string" || exp === undefined)
        return undefined;
      return { role, who, expiresAt: exp * 1000 };
    } catch {
      return undefined;
    }
  }
}
