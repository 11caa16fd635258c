/** A provider's default system message, and its format for a conversation in one plain prompt. */
export interface ConversationTemplate {
  /** The system message for requests without one, if the template is requested. */
  readonly systemMessage: string;
  /** Names of the speakers in a plain prompt. `system` is absent for providers without a system role. */
  readonly roles: { readonly user: string; readonly assistant: string; readonly system?: string };
  /** Precedes every speaker's name. */
  readonly separator: string;
  /** Stop sequence: a model that writes it has begun another speaker's turn. */
  readonly stop: string;
  /** Default maximum of tokens of prompt and answer together. */
  readonly contextLength: number;
}

/** Templates by provider name. */
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

/** The template of providers without their own, such as OpenAI-compatible vendors. */
export const COMMON_TEMPLATE: ConversationTemplate = {
  systemMessage: "You are a helpful assistant.",
  roles: { user: "user", assistant: "assistant", system: "system" },
  separator: "\n### ",
  stop: "###",
  contextLength: 8192,
};

/** The provider's own template, or the common one. */
export function findTemplate(provider: string): ConversationTemplate {
  const own = Object.hasOwn(CONVERSATION_TEMPLATES, provider) ? CONVERSATION_TEMPLATES[provider] : undefined;
  return own ?? COMMON_TEMPLATE;
}
