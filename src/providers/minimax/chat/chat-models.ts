import type { ModelData } from "#src/providers/provider.ts";

/** The four chat protocols of MiniMax, named after the last part of their paths; the OpenAI-compatible one is `openai`. */
export const MINIMAX_DIALECTS = ["chatcompletion", "chatcompletion_pro", "chatcompletion_v2", "openai"] as const;
export type MinimaxDialect = (typeof MINIMAX_DIALECTS)[number];

export interface MinimaxChatModel extends ModelData {
  readonly kind: "chat";
  readonly dialect: MinimaxDialect;
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

export const MINIMAX_CHAT_MODELS: readonly MinimaxChatModel[] = [
  { name: "abab5.5s-chat", kind: "chat", dialect: "chatcompletion", maxTokens: 8192, price: yuan(5) },
  { name: "abab5.5-chat", kind: "chat", dialect: "chatcompletion_pro", maxTokens: 16_384, price: yuan(15) },
  { name: "abab6-chat", kind: "chat", dialect: "chatcompletion_pro", price: yuan(100) },
  { name: "abab6.5-chat", kind: "chat", dialect: "chatcompletion_pro", price: yuan(30) },
  { name: "abab6.5s-chat", kind: "chat", dialect: "chatcompletion_pro", maxTokens: 245_760, price: yuan(10) },
  {
    name: "MiniMax-Text-01",
    kind: "chat",
    dialect: "chatcompletion_v2",
    maxTokens: 1_000_192,
    responseFormat: true,
    limits: FREE_V2,
  },
  { name: "MiniMax-M1", kind: "chat", dialect: "chatcompletion_v2", limits: FREE_V2 },
  { name: "MiniMax-M2", kind: "chat", dialect: "openai", maxTokens: 204_800, limits: FREE_M2 },
  { name: "MiniMax-M2.1", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M2.1-lightning", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M2.5", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M2.5-highspeed", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M2.7", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M2.7-highspeed", kind: "chat", dialect: "openai", maxTokens: 204_800 },
  { name: "MiniMax-M3", kind: "chat", dialect: "openai", maxTokens: 204_800 },
];

/** The model's data. An unlisted model is assumed to be new, and new models use the OpenAI-compatible endpoint. */
export function describeChatModel(name: string): MinimaxChatModel {
  const known = MINIMAX_CHAT_MODELS.find((model) => model.name === name);
  return known ?? { name, kind: "chat", dialect: "openai" };
}
