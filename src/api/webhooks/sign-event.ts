import { createHmac } from "node:crypto";

const SECRET_PREFIX = "whsec_";

/** The key of a secret: base64 after its prefix, any other text as it is. */
function toKey(secret: string): Buffer {
  if (secret.startsWith(SECRET_PREFIX)) return Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return Buffer.from(secret, "utf8");
}

/**
 * The headers of an event by the Standard Webhooks specification (version 1.0.0): an HMAC-SHA256 over id, time, and body.
 * `sentAt` is epoch ms.
 */
export function signEvent(
  { id, body, sentAt }: { readonly id: string; readonly body: string; readonly sentAt: number },
  secret: string,
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt / 1000));
  const signature = createHmac("sha256", toKey(secret)).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
