import { createHmac } from "node:crypto";

export interface SparkCredentials {
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface SignedTarget {
  readonly method: "GET" | "POST";
  /** Host and port as the verifying server sees them. */
  readonly host: string;
  /** Path as the verifying server sees it, without the query. */
  readonly path: string;
}

/** The `authorization` parameter: key, algorithm, signed headers and the HMAC-SHA256 of them, in base64. */
export function signAuthorization(target: SignedTarget, date: string, credentials: SparkCredentials): string {
  const origin = `host: ${target.host}\ndate: ${date}\n${target.method} ${target.path} HTTP/1.1`;
  const signature = createHmac("sha256", credentials.apiSecret).update(origin).digest("base64");
  const authorization = `api_key="${credentials.apiKey}", algorithm="hmac-sha256", headers="host date request-line", signature="${signature}"`;
  return Buffer.from(authorization).toString("base64");
}

/**
 * The URL with its signature in the query. `now` is in epoch ms; the signature holds for 300 s around it, so a URL
 * is signed for each connection and never kept.
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
