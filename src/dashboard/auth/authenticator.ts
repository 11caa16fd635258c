import type { FastifyReply, FastifyRequest } from "fastify";
import { RunError } from "#src/core/errors.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { hostName, isLoopback } from "./loopback.ts";
import { type AuthPasswords, PasswordVerifier } from "./password-verifier.ts";
import type { Role } from "./session-api.ts";
import { type Principal, SESSION_MS, SessionTokens } from "./session-token.ts";
import { SignInLimiter } from "./sign-in-limiter.ts";

const COOKIE = "sluice_session";
/** Longer ones are no passwords, and hashing them would be a way to keep the server busy. */
const MAX_PASSWORD = 1_024;

export interface AuthenticatorOptions {
  /** Where the server listens. */
  readonly host: string;
  readonly passwords: AuthPasswords;
}

/** Throws a RunError when the address may not be listened on with these passwords. */
export function assertSafeBinding({ host, passwords }: AuthenticatorOptions): void {
  if (isLoopback(host) || passwords.operator !== undefined) return;
  throw new RunError(
    `the dashboard does not listen on ${host} without a password: everybody who reaches it could act on every run`,
    "set SLUICE_OPERATOR_PASSWORD (and SLUICE_VIEWER_PASSWORD for people who only look), or listen on 127.0.0.1",
  );
}

/** Decides who may come in: by password and session cookie, or everybody on this machine where there is no password. */
export class Authenticator {
  /** No password is needed. */
  readonly isAuthDisabled: boolean;
  readonly #check: PasswordVerifier;
  readonly #tokens = new SessionTokens();
  readonly #attempts = new SignInLimiter();
  /** Apart, so that guesses at the sign-in leave no gap in what Prometheus sees, and its mistakes lock nobody out. */
  readonly #scrapeAttempts = new SignInLimiter();

  constructor(options: AuthenticatorOptions) {
    assertSafeBinding(options);
    const { viewer, operator } = options.passwords;
    this.isAuthDisabled = viewer === undefined && operator === undefined;
    this.#check = new PasswordVerifier(options.passwords);
  }

  /** Who makes this request; undefined: nobody is signed in. */
  async authenticate(request: FastifyRequest): Promise<Principal | undefined> {
    if (this.isAuthDisabled) return { role: "operator", userName: "local" };
    const token = request.cookies[COOKIE];
    return token === undefined ? undefined : await this.#tokens.read(token);
  }

  /** Throws an HttpError when the password is wrong or too many were tried; sets the cookie otherwise. */
  async signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    { password, name }: { readonly password: string; readonly name?: string | undefined },
  ): Promise<Principal> {
    const role = await this.#verifyPassword(this.#attempts, request.ip, password);
    const { token, principal } = await this.#tokens.issue(role, name === undefined || name === "" ? role : name);
    reply.setCookie(COOKIE, token, { ...cookieOptions(request), maxAge: SESSION_MS / 1000 });
    return principal;
  }

  /** Whether somebody who came in once must not any more. */
  isSessionExpired(principal: Principal): boolean {
    return this.#tokens.isSessionExpired(principal);
  }

  /** Takes the cookie back, and its token with it, wherever else that may be. */
  async signOut(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const token = request.cookies[COOKIE];
    if (token !== undefined) await this.#tokens.revoke(token);
    reply.clearCookie(COOKIE, cookieOptions(request));
  }

  /** The person that an Authorization header of a scraper stands for: Basic with any user, or Bearer. */
  async authenticateScraper(request: FastifyRequest): Promise<Principal | undefined> {
    const password = readAuthorization(request.headers.authorization);
    if (password === undefined) return undefined;
    const role = await this.#verifyPassword(this.#scrapeAttempts, request.ip, password);
    return { role, userName: "scraper" };
  }

  async #verifyPassword(limit: SignInLimiter, address: string, password: string): Promise<Role> {
    const { retryAfterMs, refund } = limit.countAttempt(address);
    if (retryAfterMs > 0) {
      throw new HttpError("too-many-attempts", "Too many attempts to sign in.", {
        hint: "Wait, then try again.",
        retryAfterMs,
      });
    }
    const role = password.length > MAX_PASSWORD ? undefined : await this.#check.verifyPassword(password);
    if (role === undefined) {
      throw new HttpError("wrong-password", "This is neither the viewer's nor the operator's password.");
    }
    refund();
    return role;
  }
}

function cookieOptions(request: FastifyRequest) {
  return { path: "/", httpOnly: true, sameSite: "strict", secure: isSecure(request) } as const;
}

/** Somebody who makes the header up only makes their own cookie stricter. */
function isSecure(request: FastifyRequest): boolean {
  return request.protocol === "https" || request.headers["x-forwarded-proto"] === "https";
}

function readAuthorization(header: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(.*)$/.exec(header ?? "") ?? [];
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : text.slice(colon + 1);
}

/**
 * Behind an open door the browser is the only guard, and a page elsewhere may give its own name this machine's
 * address. Throws an HttpError for a request that calls us by a name that is not this machine's own.
 */
export function requireLoopbackName(request: FastifyRequest): void {
  const name = hostName(request.headers.host);
  if (name !== undefined && isLoopback(name)) return;
  throw new HttpError("cross-site-request", "This server answers to localhost only.", {
    hint: "Open it as http://localhost, or set SLUICE_OPERATOR_PASSWORD to reach it by another name.",
  });
}

/**
 * Throws an HttpError for what another site's page had a browser send: nothing but links from there to our pages are
 * wanted.
 */
export function refuseForeignSites({ method, headers }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return;
  if (method === "GET" && headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document") return;
  throw new HttpError("cross-site-request", "This was asked for by another site.");
}

/** Throws an HttpError for a change that did not come from our own pages, or of which nobody says where it came from. */
export function requireSameOrigin(request: FastifyRequest): void {
  const site = request.headers["sec-fetch-site"];
  if (site === "same-origin" || (!site && isSameOrigin(request))) return;
  throw new HttpError("cross-site-request", "Changes must come from the dashboard's own pages.", {
    hint: "A script sends the header Sec-Fetch-Site: same-origin with its session cookie.",
  });
}

/** For browsers that do not say Sec-Fetch-Site. */
function isSameOrigin({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  if (origin === undefined || host === undefined) return false;
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
