import { createHmac } from "node:crypto";

export interface SparkCredentials {
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface SignedTarget {
  readonly method: "GET" | "POST";
  /** Host and port as seen by the verifying server. */
  readonly host: string;
  /** Path as seen by the verifying server, without the query. */
  readonly path: string;
}

/** The `authorization` parameter in base64: key, algorithm, names of the signed headers, and their HMAC-SHA256. */
export function signAuthorization(target: SignedTarget, date: string, credentials: SparkCredentials): string {
  const origin = `host: ${target.host}\ndate: ${date}\n${target.method} ${target.path} HTTP/1.1`;
  const signature = createHmac("sha256", credentials.apiSecret).update(origin).digest("base64");
  const authorization = `api_key="${credentials.apiKey}", algorithm="hmac-sha256", headers="host date request-line", signature="${signature}"`;
  return Buffer.from(authorization).toString("base64");
}

/**
 * The URL with its signature in the query. `now` is in epoch ms. The signature is valid for 300 s before and after it, so
 * a URL is signed for each connection and never reused.
 */
export function signUrl(url: URL, target: SignedTarget, credentials: SparkCredentials, now: number): URL {
  const date = new Date(now).toUTCString();
  const signed = new URL(url);
  const parameters = { authorization: signAuthorization(target, date, credentials), host: target.host, date };
  signed.search = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return signed;
}
