import { hash } from "node:crypto";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * The id of the job that carries items `first` to `last` of a run. Ids are hashes, because BullMQ has reserved words
 * ("wait", "meta", "active") and job ids in the same key space, so that an id with user text could break a queue. The
 * same items have the same id, so that adding a job again after a lost reply does not create a second job. `generation`
 * gives a new id for items that must be queued again.
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
