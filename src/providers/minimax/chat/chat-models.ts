import type { ModelFacts } from "#src/providers/provider-entry.ts";

/** The four chat protocols of MiniMax, named after the last part of their paths; the OpenAI-compatible one is `openai`. */
export const MINIMAX_DIALECTS = ["chatcompletion", "chatcompletion_pro", "chatcompletion_v2", "openai"] as const;
export type MinimaxDialect = (typeof MINIMAX_DIALECTS)[number];

/** The parts of a model that its encoding depends on. */
export interface MinimaxChatModel {
  readonly name: string;
  readonly dialect: MinimaxDialect;
  readonly maxOutputTokens?: number;
  /** Supports `response_format`. */
  readonly responseFormat?: boolean;
}

const yuan = (perMillion: number) => ({
  inputPerMillionTokens: perMillion,
  outputPerMillionTokens: perMillion,
  currency: "CNY",
});

/** Limits of a free account. Users of paid accounts configure their own. */
const FREE_V2 = { requestsPerMinute: 6, tokensPerMinute: 24_000, pacing: "burst" } as const;
const FREE_M2 = { requestsPerMinute: 20, tokensPerMinute: 1_000_000, pacing: "burst" } as const;

export const MINIMAX_CHAT_FACTS: readonly ModelFacts[] = [
  { name: "abab5.5s-chat", kind: "chat", maxTokens: 8192, price: yuan(5) },
  { name: "abab5.5-chat", kind: "chat", maxTokens: 16_384, price: yuan(15) },
  { name: "abab6-chat", kind: "chat", price: yuan(100) },
  { name: "abab6.5-chat", kind: "chat", price: yuan(30) },
  { name: "abab6.5s-chat", kind: "chat", maxTokens: 245_760, price: yuan(10) },
  { name: "MiniMax-Text-01", kind: "chat", maxTokens: 1_000_192, limits: FREE_V2 },
  { name: "MiniMax-M1", kind: "chat", limits: FREE_V2 },
  { name: "MiniMax-M2", limits: FREE_M2 },
];

/** A model and its dialect. An unlisted model is assumed to be new, and new models use the OpenAI-compatible endpoint. */
export function describeChatModel(name: string, maxOutputTokens?: number): MinimaxChatModel {
  return { name, dialect: findDialect(name), maxOutputTokens, responseFormat: name === "MiniMax-Text-01" };
}

function findDialect(name: string): MinimaxDialect {
  if (name === "abab5.5s-chat") return "chatcompletion";
  if (name.startsWith("abab")) return "chatcompletion_pro";
  return name === "MiniMax-Text-01" || name === "MiniMax-M1" ? "chatcompletion_v2" : "openai";
}
