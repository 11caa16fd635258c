import { hash } from "node:crypto";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * Job ids are hashes: BullMQ puts reserved words ("wait", "meta", "active") and job ids into the same key space,
 * so an id with user text in it can brick a queue. The same items of the same run give the same id, so that adding
 * a job again after a lost reply is no second job. `generation` makes a new id where the old job is beyond use.
 */
export function jobId(runId: string, first: number, last: number, generation = 0): string {
  const digest = hash("sha256", `${runId}\u0000${first}\u0000${last}`, "buffer");
  const id = `i-${base32(digest.subarray(0, 20))}`;
  return generation === 0 ? id : `${id}~g${generation}`;
}

function base32(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
