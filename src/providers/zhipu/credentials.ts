import { SignJWT } from "jose";
import { ProviderError } from "#src/core/failures/errors.ts";
import { ZHIPU_NAME } from "./profile.ts";

const TOKEN_LIFETIME_MS = 180_000;
/** Tokens with less time left are not used: the call must arrive in time, and clocks differ. */
const TOKEN_RESERVE_MS = 30_000;

/** Creates the Authorization header. */
export interface Credentials {
  header(): Promise<string>;
  /** Discards a cached token. Returns false when there is none, so that repeating the call would not help. */
  renew(): boolean;
}

/** Sends the key itself, which Zhipu accepts like a token. */
export function createKeyCredentials(apiKey: string): Credentials {
  return { header: async () => `Bearer ${apiKey}`, renew: () => false };
}

/**
 * Sends tokens signed with the key, each used until shortly before it expires. Throws `auth` for a key that is not of the
 * form "id.secret". `now` returns epoch ms.
 */
export function createTokenCredentials(apiKey: string, now: () => number = Date.now): Credentials {
  let token: { readonly text: Promise<string>; readonly expiresAt: number } | undefined;
  return {
    async header() {
      const time = now();
      // Without the second check, a token would be used past its expiry after the clock was set back.
      const leftMs = (token?.expiresAt ?? 0) - time;
      if (token === undefined || leftMs < TOKEN_RESERVE_MS || leftMs > TOKEN_LIFETIME_MS)
        token = { text: signToken(apiKey, time, TOKEN_LIFETIME_MS), expiresAt: time + TOKEN_LIFETIME_MS };
      return `Bearer ${await token.text}`;
    },
    renew() {
      token = undefined;
      return true;
    },
  };
}

/** A JWT as Zhipu expects it: HS256, with times in milliseconds where the standard uses seconds. */
export async function signToken(apiKey: string, now: number, lifetimeMs: number): Promise<string> {
  const [id, secret, ...more] = apiKey.split(".");
  if (!id || !secret || more.length > 0)
    throw new ProviderError(
      'a Zhipu key for JWT authentication has the form "id.secret": check ZHIPU_API_KEY, or set ZHIPU_AUTH=key',
      { kind: "auth", provider: ZHIPU_NAME },
    );
  return await new SignJWT({ api_key: id, exp: now + lifetimeMs, timestamp: now })
    .setProtectedHeader({ alg: "HS256", sign_type: "SIGN" })
    .sign(new TextEncoder().encode(secret));
}
