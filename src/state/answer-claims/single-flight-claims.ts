import * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";

const claimScript = defineScript(new URL("lua/claim-answers.lua", import.meta.url), {
  keys: ["claim", "waiters", "answer"],
  args: ["token", "ttlMs"],
  parse: (reply) => z.array(z.int()).parse(reply),
});

const settleScript = defineScript(new URL("lua/settle-answers.lua", import.meta.url), {
  keys: ["claim", "waiters", "answer"],
  args: ["token", "ttlMs"],
  parse: (reply) => z.array(z.string()).parse(reply),
});

const renewScript = defineScript(new URL("lua/renew-answers.lua", import.meta.url), {
  keys: ["claim"],
  args: ["token", "ttlMs"],
  parse: (reply) => Number(reply),
});

/** TTL of a claim without renewal: the claims of a dead process are free after this time. */
export const CLAIM_MS = 15_000;
/** TTL of an answer for waiting runs, which ask twice a second. */
const ANSWER_MS = 60_000;
/** Keeps every script short, because it blocks other users of this Redis. */
const MAX_HASHES_PER_SCRIPT = 500;

/** Replies of claim-answers.lua. */
const THEIRS = 0;
const OURS = 1;
/** An answer has up to some 100 KB, so only a few are moved per command. */
const ANSWERS_PER_COMMAND = 16;

/** The result of a claim: it is ours or another run's, or the answer has just been left for waiting runs. */
export type ClaimResult = "ours" | "theirs" | { readonly answer: Buffer };

/**
 * One run's single-flight claims, by answer key (hex): a run that holds a claim requests the answer, and other runs wait
 * for it. Claims expire unless they are renewed, so that another run takes over when a run dies. All methods are
 * idempotent.
 */
export class SingleFlightClaims {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** The run id: a run has one coordinator at a time, and the next coordinator of a run keeps its claims. */
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
    const answered = hashes.filter((_, i) => codes[i] !== OURS && codes[i] !== THEIRS);
    const answers = await this.#readAnswers(answered);
    return hashes.map((hash, i) => {
      if (codes[i] === OURS) return "ours";
      const answer = answers.get(hash);
      // An answer that has expired since then is claimed again later.
      return answer ? { answer } : "theirs";
    });
  }

  /**
   * Releases claims. `answerOf` returns the answer for waiting runs, if there is one; it is called only for claims that
   * another run waits for.
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
      const awaited = await settlePart(part, () => "?");
      for (const few of chunked(awaited, ANSWERS_PER_COMMAND)) await settlePart(few, (hash) => answerOf(hash) ?? "");
    }
  }

  async renew(hashes: readonly string[]): Promise<void> {
    const args = { token: this.#token, ttlMs: CLAIM_MS };
    for (const part of chunked(hashes)) await renewScript.run(this.#client, this.#keys.answers, args, part);
  }

  async #readAnswers(hashes: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (const part of chunked(hashes, ANSWERS_PER_COMMAND)) {
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

function chunked(hashes: readonly string[], size = MAX_HASHES_PER_SCRIPT): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < hashes.length; at += size) parts.push(hashes.slice(at, at + size));
  return parts;
}
