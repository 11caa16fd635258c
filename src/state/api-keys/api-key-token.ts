import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const PREFIX = "sk-sluice";
const TOKEN = /^sk-sluice-([0-9a-f]{16})-([\w-]{43})$/;
/** No key has this id. */
export const NO_ID = "0".repeat(16);

/** A new API key as its holder gets it. Only `id` and `hash` are stored. */
export interface NewToken {
  readonly id: string;
  readonly token: string;
  readonly hash: string;
}

/** `sk-sluice-<public id>-<secret of 256 bits>`. */
export function createToken(): NewToken {
  const id = randomBytes(8).toString("hex");
  const secret = randomBytes(32).toString("base64url");
  return { id, token: `${PREFIX}-${id}-${secret}`, hash: hashSecret(secret) };
}

/** The public id and the hash of the secret. Text that is no API key has the id of no key, and takes the same steps. */
export function parseToken(text: string): { readonly id: string; readonly hash: string } {
  const [, id = NO_ID, secret = ""] = TOKEN.exec(text) ?? [];
  return { id, hash: hashSecret(secret) };
}

/** In constant time, so that the time of the answer tells nothing about the stored hash. */
export function isSameHash(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one, "hex"), Buffer.from(other, "hex")];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** The secret has 256 random bits, which nobody can guess: a slow hash, as for passwords, would only cost time. */
function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
