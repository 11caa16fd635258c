import { createHmac, timingSafeEqual } from "node:crypto";

export interface SparkKeys {
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** The parts of a call that the provider's gateway verifies. */
export interface SignedCall {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface SignatureProblem {
  readonly status: 401 | 403;
  readonly message: string;
}

const TOLERANCE_MS = 300_000;

const AUTHORIZATION_PATTERN =
  /^(?:api_key|hmac username)="([^"]*)", ?algorithm="hmac-sha256", ?headers="host date request-line", ?signature="([^"]*)"$/;

/** The gateway's error for an invalid signature; undefined for a valid one. `now`: epoch ms. */
export function findSignatureProblem(call: SignedCall, keys: SparkKeys, now: number): SignatureProblem | undefined {
  const authorization = call.query.get("authorization");
  const date = call.query.get("date");
  if (authorization === null) return { status: 401, message: "Unauthorized" };
  const [, apiKey, signature] = AUTHORIZATION_PATTERN.exec(Buffer.from(authorization, "base64").toString("utf8")) ?? [];
  if (apiKey === undefined || signature === undefined)
    return { status: 401, message: "HMAC signature cannot be verified" };
  if (date === null || !(Math.abs(Date.parse(date) - now) <= TOLERANCE_MS))
    return {
      status: 403,
      message: "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication",
    };
  if (apiKey !== keys.apiKey) return { status: 401, message: "HMAC signature cannot be verified: apikey not found" };
  const origin = `host: ${call.host}\ndate: ${date}\n${call.method} ${call.path} HTTP/1.1`;
  const expected = createHmac("sha256", keys.apiSecret).update(origin).digest();
  const given = Buffer.from(signature, "base64");
  const matches = given.length === expected.length && timingSafeEqual(given, expected);
  if (matches && call.query.get("host") === call.host) return undefined;
  return { status: 401, message: "HMAC signature does not match" };
}
