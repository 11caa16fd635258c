import { createHash } from "node:crypto";
import type { CachedAnswer } from "#src/producer/cache/cache-frame.ts";

export function makeKey(n: number): Buffer {
  return createHash("sha256").update(`question ${n}`).digest();
}

/** The n-th answer: a vector, or JSON for every third. */
export function makeAnswer(n: number, floats = 8): CachedAnswer {
  if (n % 3 === 0) return { tokens: n, json: { text: `answer ${n} ${"水".repeat(n % 50)}` } };
  return { tokens: n, vector: Buffer.from(Float32Array.from({ length: floats }, (_, i) => n + i / 7).buffer) };
}
