import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";

const claimScript = defineScript(new URL("lua/claim-answers.lua", import.meta.url), {
  keys: ["claim", "waiters", "answer"],
  args: ["token", "ttlMs"],
  parse: (reply) => reply as number[],
});

const settleScript = defineScript(new URL("lua/settle-answers.lua", import.meta.url), {
  keys: ["claim", "waiters", "answer"],
  args: ["token", "ttlMs"],
  parse: (reply) => reply as string[],
});

const renewScript = defineScript(new URL("lua/renew-answers.lua", import.meta.url), {
  keys: ["claim"],
  args: ["token", "ttlMs"],
  parse: (reply) => Number(reply),
});

/** A claim of a process that died is free after so long. */
export const CLAIM_MS = 15_000;
/** Those who wait ask twice a second; an answer that nobody has taken by then nobody will. */
const ANSWER_MS = 60_000;
/** Keeps every script short: others use this Redis too. */
const PER_SCRIPT = 500;

const THEIRS = 0;
const OURS = 1;

/** What became of asking for a claim; an answer is there when somebody has just left it for those who wait. */
export type ClaimResult = "ours" | "theirs" | { readonly answer: Buffer };

/**
 * One run's claims to ask providers what other runs may ask too, by the hash of the question (hex). A claim lapses
 * unless it is renewed, so that the next takes over when a run dies. All of it may be called twice.
 */
export class SingleFlightClaims {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** A run has one coordinator at a time: one that takes up a run has its claims at once. */
  readonly #token: string;

  constructor(client: RedisClient, keys: Keys, runId: string) {
    this.#client = client;
    this.#keys = keys;
    this.#token = runId;
  }

  async acquire(hashes: readonly string[]): Promise<ClaimResult[]> {
    const args = { token: this.#token, ttlMs: CLAIM_MS };
    const replies = await Promise.all(
      chunked(hashes).map((part) => claimScript.run(this.#client, this.#keys.answers, args, part)),
    );
    const codes = replies.flat();
    const left = hashes.filter((_, i) => codes[i] !== OURS && codes[i] !== THEIRS);
    const answers = await this.#readAnswers(left);
    return hashes.map((hash, i) => {
      if (codes[i] === OURS) return "ours";
      const answer = answers.get(hash);
      // One that has expired since is asked for again.
      return answer ? { answer } : "theirs";
    });
  }

  /**
   * Gives claims back. `answerOf` gives what is left for those who wait, where there is an answer; it is asked for
   * few of them.
   */
  async settle(hashes: readonly string[], answerOf: (hash: string) => Buffer | undefined): Promise<void> {
    const settlePart = async (part: readonly string[], answer: (hash: string) => Buffer | string) =>
      await settleScript.run(
        this.#client,
        this.#keys.answers,
        { token: this.#token, ttlMs: ANSWER_MS },
        part.flatMap((hash) => [hash, answer(hash)]),
      );
    for (const part of chunked(hashes)) {
      const waited = await settlePart(part, () => "?");
      for (const few of chunked(waited, 16)) await settlePart(few, (hash) => answerOf(hash) ?? "");
    }
  }

  async renew(hashes: readonly string[]): Promise<void> {
    const args = { token: this.#token, ttlMs: CLAIM_MS };
    for (const part of chunked(hashes)) await renewScript.run(this.#client, this.#keys.answers, args, part);
  }

  async #readAnswers(hashes: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const part of chunked(hashes, 16)) {
      const names = part.map((hash) => `${this.#keys.answers.answer}:${hash}`);
      const values = await this.#client.mgetBuffer(...names);
      for (const [i, value] of values.entries()) {
        const hash = part[i];
        if (value && hash !== undefined) found.set(hash, value);
      }
    }
    return found;
  }
}

function chunked(hashes: readonly string[], size = PER_SCRIPT): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < hashes.length; at += size) parts.push(hashes.slice(at, at + size));
  return parts;
}
