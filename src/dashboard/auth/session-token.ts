import { randomBytes, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import type { Role } from "./session-api.ts";

/** Who is signed in. */
export interface Principal {
  readonly role: Role;
  /** As it stands in audit lines. */
  readonly userName: string;
  /** Epoch ms; absent behind an open door. */
  readonly expiresAt?: number;
  /** Of the session; absent behind an open door. */
  readonly session?: string;
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

  async issue(role: Role, userName: string): Promise<{ readonly token: string; readonly principal: Principal }> {
    const now = this.#now();
    const expiresAt = now + SESSION_MS;
    const session = randomUUID();
    const token = await new SignJWT({ role, userName })
      .setProtectedHeader({ alg: "HS256" })
      .setJti(session)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(this.#key);
    return { token, principal: { role, userName, expiresAt, session } };
  }

  /** Undefined for what is no token of this server, or is over. */
  async read(token: string): Promise<Principal | undefined> {
    const principal = await this.#verify(token);
    return principal && !this.isSessionExpired(principal) ? principal : undefined;
  }

  /** Whether somebody who came in once must not any more: the time is over, or the session was signed out. */
  isSessionExpired({ expiresAt = Number.POSITIVE_INFINITY, session }: Principal): boolean {
    return expiresAt <= this.#now() || (session !== undefined && this.#revoked.has(session));
  }

  /** From now on the token is none. Only tokens of this server are remembered, until they would have ended. */
  async revoke(token: string): Promise<void> {
    const principal = await this.#verify(token);
    if (!principal) return;
    const now = this.#now();
    for (const [id, until] of this.#revoked) if (until <= now) this.#revoked.delete(id);
    this.#revoked.set(principal.session, principal.expiresAt);
  }

  async #verify(token: string): Promise<Required<Principal> | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ["HS256"],
        requiredClaims: ["exp", "jti"],
        currentDate: new Date(this.#now()),
      });
      const { role, userName, exp, jti } = payload;
      if ((role !== "viewer" && role !== "operator") || typeof userName !== "string") return undefined;
      if (exp === undefined || jti === undefined) return undefined;
      return { role, userName, expiresAt: exp * 1000, session: jti };
    } catch {
      return undefined;
    }
  }
}
