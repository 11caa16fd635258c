import { randomBytes, randomUUID } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import type { Role } from "./session-api.ts";

/** Who is signed in. */
export interface Principal {
  readonly role: Role;
  /** As shown in the audit log. */
  readonly userName: string;
  /** Epoch ms; absent when authentication is disabled. */
  readonly expiresAt?: number;
  /** Session id; absent when authentication is disabled. */
  readonly session?: string;
}

export const SESSION_MS = 12 * 3600_000;

/**
 * Issues and verifies the tokens in session cookies. The key is random and lives as long as the server: a restart signs
 * everybody out, and there is nothing on disk or in Redis to steal.
 */
export class SessionTokens {
  readonly #key = randomBytes(32);
  readonly #now: () => number;
  /** Session ids of revoked tokens -> when the tokens would have expired. */
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

  /** Undefined for a token that is expired, revoked, or not from this server. */
  async read(token: string): Promise<Principal | undefined> {
    const principal = await this.#verify(token);
    return principal && !this.isSessionExpired(principal) ? principal : undefined;
  }

  /** Whether this session has expired or been revoked. */
  isSessionExpired({ expiresAt = Number.POSITIVE_INFINITY, session }: Principal): boolean {
    return expiresAt <= this.#now() || (session !== undefined && this.#revoked.has(session));
  }

  /** Revokes a token of this server; it is remembered until it would have expired. Other tokens are ignored. */
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
