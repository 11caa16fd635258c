import { hash } from "node:crypto";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { AnthropicRequest } from "./request-schema.ts";

/** Prefixes are refused after this many, so that a long simulation does not grow. */
const MAX_PREFIXES = 10_000;

/** The prompt cache: a prefix that a request marks is written once, and read by later requests. */
export class PromptCache {
  readonly #prefixes = new Set<string>();

  /** The counts of a request with `tokens` of input; `input_tokens` leaves out those of the cache. */
  charge(request: AnthropicRequest, tokens: number): Record<string, number> {
    const prefix = readMarkedPrefix(request);
    const cached = prefix === undefined ? 0 : Math.min(countTokens(prefix), tokens);
    const key = hash("sha256", prefix ?? "");
    const isKnown = this.#prefixes.has(key);
    if (prefix !== undefined && this.#prefixes.size < MAX_PREFIXES) this.#prefixes.add(key);
    return {
      input_tokens: tokens - cached,
      cache_creation_input_tokens: isKnown ? 0 : cached,
      cache_read_input_tokens: isKnown ? cached : 0,
    };
  }
}

/** Tools, system and messages up to the last block with `cache_control`; undefined without any. */
function readMarkedPrefix({ tools = [], system = "", messages }: AnthropicRequest): string | undefined {
  const blocks: unknown[] = [...tools, ...(typeof system === "string" ? [system] : system)];
  for (const { content } of messages) blocks.push(...(typeof content === "string" ? [content] : content));
  const texts = blocks.map((block) => JSON.stringify(block));
  const last = texts.findLastIndex((text) => text.includes('"cache_control":{'));
  return last < 0 ? undefined : texts.slice(0, last + 1).join();
}
