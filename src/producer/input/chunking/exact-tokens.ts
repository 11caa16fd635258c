import { splitByCharacters } from "./hard-split.ts";

export type TokenCounter = (text: string) => number;

/** OpenAI's embedding models. */
const CL100K = /^text-embedding-(?:ada-002|3-(?:small|large))$/;
/** Characters counted at once: the time for one word without spaces is quadratic in its length. */
const COUNTED_CHARACTERS = 500;
/** A text has between 1/2.5 and 1.3 times its estimated tokens, so others need not be counted. */
const NEAR = 2.5;

/** Loads the vocabulary of a model, if a package contains it; it takes time and memory that other models do not need. */
export async function loadTokenCounter(model: string | undefined): Promise<TokenCounter | undefined> {
  if (model === undefined || !CL100K.test(model)) return undefined;
  const { countTokens } = await import("gpt-tokenizer/encoding/cl100k_base");
  // Names of special tokens in a text are ordinary text.
  const options = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  return (text) => {
    let tokens = 0;
    for (let start = 0; start < text.length; ) {
      const next = text.slice(start, start + COUNTED_CHARACTERS);
      const space = start + next.length < text.length ? next.lastIndexOf(" ") : 0;
      const part = space > 0 ? next.slice(0, space) : next;
      tokens += countTokens(part, options);
      start += part.length;
    }
    return tokens;
  };
}

/** Keeps texts within the tokens that a model accepts, by counting those that may have more. */
export class TokenLimit {
  readonly #count: TokenCounter;
  readonly #maxTokens: number;

  constructor(count: TokenCounter, maxTokens: number) {
    this.#count = count;
    this.#maxTokens = maxTokens;
  }

  /** Returns the tokens of a text, counted if the estimate is near the limit. */
  measure(text: string, estimate: number): number {
    const isNear = estimate * NEAR > this.#maxTokens && estimate < this.#maxTokens * NEAR;
    return isNear ? this.#count(text) : estimate;
  }

  /** Splits a text until every part fits; only a single character may not. */
  *split(text: string, estimate: number): Generator<{ readonly text: string; readonly tokens: number }> {
    const tokens = this.measure(text, estimate);
    if (tokens <= this.#maxTokens) {
      yield { text, tokens };
      return;
    }
    // Parts of equal length, smaller than needed because tokens are not spread evenly.
    const most = Math.max(1, Math.floor((estimate * this.#maxTokens * 0.9) / tokens));
    const parts = splitByCharacters(text, most).map((part) => part.trim());
    for (const part of parts.filter((each) => each !== "")) {
      if (part.length === text.length) yield { text, tokens };
      else yield* this.split(part, most);
    }
  }
}
