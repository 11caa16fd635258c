import { DASHSCOPE_CODES, SILICONFLOW_CODES, TEI_CODES, VOLCENGINE_CODES } from "./error-codes.ts";
import type { CompatibleProfile, ProviderTimeouts } from "./profile.ts";

/** These servers load a model when it is first used, which takes minutes. */
const MODEL_LOADING: ProviderTimeouts = { firstByteMs: 600_000 };

const FREE = { inputPerMillionTokens: 0, outputPerMillionTokens: 0, currency: "USD" };

/** Times are UTC. */
const WEEKDAYS = [1, 2, 3, 4, 5];

/** The vendors of the OpenAI protocol. Models are in the catalogue; here is what it does not say about them. */
export const COMPATIBLE_PROFILES: readonly CompatibleProfile[] = [
  {
    name: "openai",
    defaultBaseUrl: "https://api.openai.com/v1",
    envPrefix: "OPENAI",
    supportsChoices: true,
    offersModerations: true,
    maxTokensField: "max_completion_tokens",
    // Later versions of GPT-5 accept other values if they do not reason.
    fixedSampling: /^(o\d|gpt-5(-(?!chat)|$))/,
    encoding: "base64",
    catalogue: "openai",
    defaults: { embedding: { maxInputs: 2048, maxBatchTokens: 300_000, acceptsTokenIds: true } },
    models: [
      { name: "text-embedding-3-small", dimensions: 1536, dimensionChoices: "up-to" },
      { name: "text-embedding-3-large", dimensions: 3072, dimensionChoices: "up-to" },
      { name: "text-embedding-ada-002", dimensions: 1536 },
      { name: "omni-moderation-latest", kind: "chat", price: FREE },
    ],
    retired: [{ names: /^gpt-4\.1-nano/, since: "2026-10-23" }],
  },
  {
    name: "deepseek",
    defaultBaseUrl: "https://api.deepseek.com/v1",
    envPrefix: "DEEPSEEK",
    reasoningField: "reasoning_content",
    catalogue: "deepseek",
    models: [{ name: "deepseek-flash", kind: "chat" }],
    retired: [
      { names: /^deepseek-(chat|reasoner)$/, since: "2026-07-24", successors: ["deepseek-flash", "deepseek-v4-pro"] },
    ],
    // Peak hours, since 2026-08-16.
    priceWindows: [
      { days: WEEKDAYS, from: "01:00", to: "04:00", factor: 2 },
      { days: WEEKDAYS, from: "06:00", to: "10:00", factor: 2 },
    ],
  },
  {
    name: "moonshot",
    defaultBaseUrl: "https://api.moonshot.cn/v1",
    envPrefix: "MOONSHOT",
    supportsChoices: true,
    maxTemperature: 1,
    reasoningField: "reasoning_content",
    catalogue: "moonshotai-cn",
    models: [{ name: "kimi-k3", kind: "chat" }],
    retired: [
      { names: /^(kimi-k2\.5$|kimi-k2-|moonshot-v1-)/, since: "2026-08-31", successors: ["kimi-k3", "kimi-k2.6"] },
    ],
  },
  {
    name: "dashscope",
    defaultBaseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    envPrefix: "DASHSCOPE",
    streamsUpstream: /^(qwq|qvq)|omni|^qwen3-.*thinking/,
    reasoningField: "reasoning_content",
    encoding: "float",
    codes: DASHSCOPE_CODES,
    catalogue: "alibaba-cn",
    defaults: { embedding: { maxInputs: 10 } },
    models: [
      {
        name: "text-embedding-v3",
        kind: "embedding",
        dimensions: 1024,
        dimensionChoices: [64, 128, 256, 512, 768, 1024],
        maxTokens: 8192,
      },
      {
        name: "text-embedding-v4",
        kind: "embedding",
        dimensions: 1024,
        dimensionChoices: [64, 128, 256, 512, 768, 1024, 1536, 2048],
        maxTokens: 8192,
      },
    ],
  },
  {
    name: "siliconflow",
    defaultBaseUrl: "https://api.siliconflow.cn/v1",
    envPrefix: "SILICONFLOW",
    supportsChoices: true,
    reasoningField: "reasoning_content",
    encoding: "base64",
    codes: SILICONFLOW_CODES,
    catalogue: "siliconflow-cn",
    defaults: { embedding: { maxInputs: 32 } },
    models: [
      { name: "BAAI/bge-m3", kind: "embedding", dimensions: 1024, maxTokens: 8192 },
      { name: "BAAI/bge-large-zh-v1.5", kind: "embedding", dimensions: 1024, maxTokens: 512 },
    ],
  },
  {
    name: "volcengine-ark",
    defaultBaseUrl: "https://ark.cn-beijing.volces.com/api/v3",
    envPrefix: "VOLCENGINE_ARK",
    reasoningField: "reasoning_content",
    encoding: "float",
    codes: VOLCENGINE_CODES,
    defaults: { embedding: { maxInputs: 256 } },
    models: [
      { name: "doubao-1-5-pro-32k-250115", kind: "chat", maxTokens: 32_768, maxOutputTokens: 12_288 },
      { name: "doubao-1-5-lite-32k-250115", kind: "chat", maxTokens: 32_768, maxOutputTokens: 12_288 },
    ],
  },
  {
    name: "openrouter",
    defaultBaseUrl: "https://openrouter.ai/api/v1",
    defaults: { embedding: { embeddingFields: ["input_type"] } },
    envPrefix: "OPENROUTER",
    reasoningField: "reasoning",
    catalogue: "openrouter",
    models: [],
  },
  {
    name: "ollama",
    defaultBaseUrl: "http://127.0.0.1:11434/v1",
    envPrefix: "OLLAMA",
    isSelfHosted: true,
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "float",
    defaults: { embedding: { maxInputs: 256 } },
    models: [
      { name: "nomic-embed-text", kind: "embedding", dimensions: 768, maxTokens: 8192 },
      { name: "bge-m3", kind: "embedding", dimensions: 1024, maxTokens: 8192 },
    ],
  },
  {
    name: "vllm",
    defaultBaseUrl: "http://127.0.0.1:8000/v1",
    envPrefix: "VLLM",
    supportsChoices: true,
    isSelfHosted: true,
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "base64",
    rerank: "shared",
    defaults: {
      embedding: {
        maxInputs: 1024,
        acceptsTokenIds: true,
        embeddingFields: ["truncate_prompt_tokens", "truncation_side", "add_special_tokens", "priority"],
      },
    },
    models: [],
  },
  {
    name: "text-embeddings-inference",
    defaultBaseUrl: "http://127.0.0.1:8080/v1",
    envPrefix: "TEXT_EMBEDDINGS_INFERENCE",
    isSelfHosted: true,
    kinds: ["embedding", "rerank"],
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "base64",
    rerank: "tei",
    // The default of the server's --max-client-batch-size.
    defaults: { embedding: { maxInputs: 32 }, rerank: { maxInputs: 32 } },
    codes: TEI_CODES,
    models: [],
  },
];
