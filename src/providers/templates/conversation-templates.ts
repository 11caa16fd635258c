/** How one provider's models are addressed by default, and how a conversation is written as one plain prompt. */
export interface ConversationTemplate {
  /** The system message a request gets when it has none and its sender asked for the default. */
  readonly systemMessage: string;
  /** What each speaker is called in a plain prompt. A provider without a system role has no `system`. */
  readonly roles: { readonly user: string; readonly assistant: string; readonly system?: string };
  /** Written before every speaker's name. */
  readonly separator: string;
  /** Where a model that continues the plain prompt has begun another speaker's turn. */
  readonly stop: string;
  /** Tokens that prompt and answer may have together by default. */
  readonly contextLength: number;
}

/** By provider name. */
export const CONVERSATION_TEMPLATES: Readonly<Record<string, ConversationTemplate>> = {
  zhipu: {
    systemMessage: "你是智谱AI小助手，请根据用户的提示来完成任务",
    roles: { user: "user", assistant: "assistant", system: "system" },
    separator: "\n###",
    stop: "###",
    contextLength: 4096,
  },
  spark: {
    systemMessage: "你是一个聪明的助手，请根据用户的提示来完成任务",
    roles: { user: "user", assistant: "assistant" },
    separator: "\n### ",
    stop: "###",
    contextLength: 8000,
  },
  minimax: {
    systemMessage: "你是MiniMax自主研发的大型语言模型，回答问题简洁有条理。",
    roles: { user: "USER", assistant: "BOT" },
    separator: "\n### ",
    stop: "###",
    contextLength: 16_384,
  },
};

/** Of every provider that has none of its own, as compatible vendors do. */
export const COMMON_TEMPLATE: ConversationTemplate = {
  systemMessage: "You are a helpful assistant.",
  roles: { user: "user", assistant: "assistant", system: "system" },
  separator: "\n### ",
  stop: "###",
  contextLength: 8192,
};

/** The template of a provider: its own, or the common one. */
export function findTemplate(provider: string): ConversationTemplate {
  const own = Object.hasOwn(CONVERSATION_TEMPLATES, provider) ? CONVERSATION_TEMPLATES[provider] : undefined;
  return own ?? COMMON_TEMPLATE;
}
