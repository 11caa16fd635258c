import type { FastifyReply, FastifyRequest } from "fastify";
import { RunError } from "#src/core/failures/errors.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS, START_ERRORS } from "#src/dashboard/messages.ts";
import { isLoopback } from "#src/http-server/loopback.ts";
import { type AuthPasswords, PasswordVerifier } from "./password-verifier.ts";
import type { Role, SignIn } from "./session-api.ts";
import { type Principal, SESSION_MS, SessionTokens } from "./session-token.ts";
import { SignInLimiter, type SignInSource } from "./sign-in-limiter.ts";

const COOKIE = "sluice_session";
/** Hashing longer passwords would be a way to keep the server busy. */
const MAX_PASSWORD = 1_024;

export interface AuthenticatorOptions {
  /** The address that the server listens on. */
  readonly host: string;
  readonly passwords: AuthPasswords;
}

/** Throws a RunError when listening on this address requires a password and there is none. */
function assertSafeBinding({ host, passwords }: AuthenticatorOptions): void {
  if (isLoopback(host) || passwords.operator !== undefined) return;
  throw new RunError(...START_ERRORS.passwordRequired(host));
}

/**
 * Authenticates requests by password and session cookie. Without configured passwords, everybody on this machine is an
 * operator.
 */
export class Authenticator {
  readonly isAuthDisabled: boolean;
  readonly #verifier: PasswordVerifier;
  readonly #tokens = new SessionTokens();
  readonly #signInLimiter = new SignInLimiter();
  /** Separate: password guessing must not interrupt Prometheus, and a misconfigured scraper must not lock users out. */
  readonly #scrapeLimiter = new SignInLimiter();

  constructor(options: AuthenticatorOptions) {
    assertSafeBinding(options);
    const { viewer, operator } = options.passwords;
    this.isAuthDisabled = viewer === undefined && operator === undefined;
    this.#verifier = new PasswordVerifier(options.passwords);
  }

  /** Undefined when nobody is signed in. */
  async authenticate(request: FastifyRequest): Promise<Principal | undefined> {
    if (this.isAuthDisabled) return { role: "operator", userName: "local" };
    const token = request.cookies[COOKIE];
    return token === undefined ? undefined : await this.#tokens.read(token);
  }

  /** Sets the session cookie. Throws an HttpError for a wrong password and after too many attempts. */
  async signIn(request: FastifyRequest, reply: FastifyReply, { password, name }: SignIn): Promise<Principal> {
    const source = { account: name ?? "", address: request.ip };
    const role = await this.#verifyPassword(this.#signInLimiter, source, password);
    const { token, principal } = await this.#tokens.issue(role, name || role);
    reply.setCookie(COOKIE, token, { ...cookieOptions(request), maxAge: SESSION_MS / 1000 });
    return principal;
  }

  /** Whether this session has expired or been revoked. */
  isSessionExpired(principal: Principal): boolean {
    return this.#tokens.isSessionExpired(principal);
  }

  /** Clears the cookie and revokes its token, also for copies of the cookie. */
  async signOut(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const token = request.cookies[COOKIE];
    if (token !== undefined) await this.#tokens.revoke(token);
    reply.clearCookie(COOKIE, cookieOptions(request));
  }

  /** Authenticates a scraper by its Authorization header: Basic with any user name, or Bearer. */
  async authenticateScraper(request: FastifyRequest): Promise<Principal | undefined> {
    const given = readAuthorization(request.headers.authorization);
    if (given === undefined) return undefined;
    const source = { account: given.name, address: request.ip };
    const role = await this.#verifyPassword(this.#scrapeLimiter, source, given.password);
    return { role, userName: "scraper" };
  }

  async #verifyPassword(limiter: SignInLimiter, source: SignInSource, password: string): Promise<Role> {
    const { retryAfterMs, refund } = limiter.countAttempt(source);
    if (retryAfterMs > 0) throw new HttpError(ERRORS.tooManyAttempts(retryAfterMs));
    const role = password.length > MAX_PASSWORD ? undefined : await this.#verifier.verifyPassword(password);
    if (role === undefined) throw new HttpError(ERRORS.wrongPassword);
    refund();
    return role;
  }
}

function cookieOptions(request: FastifyRequest) {
  return { path: "/", httpOnly: true, sameSite: "strict", secure: isSecure(request) } as const;
}

/** A client that forges the header only makes its own cookie stricter. */
function isSecure(request: FastifyRequest): boolean {
  return request.protocol === "https" || request.headers["x-forwarded-proto"] === "https";
}

function readAuthorization(header: string | undefined): { name: string; password: string } | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(.*)$/.exec(header ?? "") ?? [];
  if (/^bearer$/i.test(scheme)) return { name: "", password: value };
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
