import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * Zhipu's error code for an Authorization header; undefined if it is valid: the API key, or a token signed with it, with
 * or without "Bearer". Times in a token are in milliseconds; a time in seconds looks expired.
 */
export function findCredentialProblem(
  authorization: string | undefined,
  apiKey: string,
  nowMs: number,
): number | undefined {
  const given = authorization?.replace(/^Bearer\s+/, "").trim();
  if (!given) return 1001;
  if (given === apiKey) return undefined;
  const parts = given.split(".");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3) return parts.length === 2 ? 1000 : 1002;
  const [id = "", secret = ""] = apiKey.split(".");
  const head = readPart(header);
  const claims = readPart(payload);
  if (head?.alg !== "HS256" || head.sign_type !== "SIGN" || claims?.api_key !== id) return 1002;
  const expected = createHmac("sha256", secret).update(`${header}.${payload}`).digest();
  const received = Buffer.from(signature, "base64url");
  if (received.length !== expected.length || !timingSafeEqual(received, expected)) return 1004;
  const { exp, timestamp } = claims;
  if (typeof exp !== "number" || typeof timestamp !== "number") return 1002;
  return exp < nowMs ? 1003 : undefined;
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
