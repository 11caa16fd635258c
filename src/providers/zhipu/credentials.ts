import { SignJWT } from "jose";
import { ProviderError } from "#src/core/errors.ts";
import { ZHIPU_NAME } from "./profile.ts";

const TOKEN_LIFETIME_MS = 180_000;
/** A token is not used when it has less left: the call must arrive, and the clocks differ. */
const TOKEN_RESERVE_MS = 30_000;

/** What goes into the Authorization header. */
export interface Credentials {
  header(): Promise<string>;
  /** Forgets what was made. False when there is nothing to make anew, so that asking again would be the same. */
  renew(): boolean;
}

/** The key as it is, which Zhipu takes like a token. */
export function createKeyCredentials(apiKey: string): Credentials {
  return { header: async () => `Bearer ${apiKey}`, renew: () => false };
}

/**
 * Tokens made from the key, each used until shortly before it expires. Throws `auth` for a key that is not
 * "id.secret". `now` is the clock in epoch ms.
 */
export function createTokenCredentials(apiKey: string, now: () => number = Date.now): Credentials {
  let token: { readonly text: Promise<string>; readonly expiresAt: number } | undefined;
  return {
    async header() {
      const time = now();
      // A clock that was set back would otherwise leave a token valid for longer than it is.
      const left = (token?.expiresAt ?? 0) - time;
      if (token === undefined || left < TOKEN_RESERVE_MS || left > TOKEN_LIFETIME_MS)
        token = { text: signToken(apiKey, time, TOKEN_LIFETIME_MS), expiresAt: time + TOKEN_LIFETIME_MS };
      return `Bearer ${await token.text}`;
    },
    renew() {
      token = undefined;
      return true;
    },
  };
}

/** A token of Zhipu's form: HS256 over the claims below, in milliseconds where the standard has seconds. */
export async function signToken(apiKey: string, now: number, lifetimeMs: number): Promise<string> {
  const [id, secret, ...more] = apiKey.split(".");
  if (!id || !secret || more.length > 0)
    throw new ProviderError(
      'a Zhipu key for tokens has the form "id.secret": check ZHIPU_API_KEY, or set ZHIPU_AUTH=key',
      { kind: "auth", provider: ZHIPU_NAME },
    );
  return await new SignJWT({ api_key: id, exp: now + lifetimeMs, timestamp: now })
    .setProtectedHeader({ alg: "HS256", sign_type: "SIGN" })
    .sign(new TextEncoder().encode(secret));
}
