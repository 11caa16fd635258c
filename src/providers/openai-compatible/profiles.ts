import type { ModelData } from "#src/providers/provider.ts";
import { DASHSCOPE_CODES, SILICONFLOW_CODES, TEI_CODES, VOLCENGINE_CODES } from "./error-codes.ts";
import type { CompatibleProfile, ProviderTimeouts } from "./profile.ts";

const chat = (name: string, maxTokens: number, maxOutputTokens?: number): ModelData => ({
  name,
  kind: "chat",
  maxTokens,
  maxOutputTokens,
});

const embedding = (name: string, dimensions: number, maxTokens: number, more: Partial<ModelData> = {}): ModelData => ({
  name,
  kind: "embedding",
  dimensions,
  maxTokens,
  ...more,
});

/** These servers load a model when it is first used, which takes minutes. */
const MODEL_LOADING: ProviderTimeouts = { firstByteMs: 600_000 };

/**
 * The vendors of the OpenAI protocol. Only models with published limits are listed; servers whose operator chooses the
 * models accept any name. Another vendor is another element.
 */
export const COMPATIBLE_PROFILES: readonly CompatibleProfile[] = [
  {
    name: "openai",
    defaultBaseUrl: "https://api.openai.com/v1",
    envPrefix: "OPENAI",
    maxTokensField: "max_completion_tokens",
    encoding: "base64",
    maxInputs: 2048,
    maxBatchTokens: 300_000,
    models: [
      chat("gpt-4o", 128_000, 16_384),
      chat("gpt-4o-mini", 128_000, 16_384),
      chat("gpt-4.1", 1_047_576, 32_768),
      chat("gpt-4.1-mini", 1_047_576, 32_768),
      chat("gpt-4.1-nano", 1_047_576, 32_768),
      embedding("text-embedding-3-small", 1536, 8192, { dimensionChoices: "up-to" }),
      embedding("text-embedding-3-large", 3072, 8192, { dimensionChoices: "up-to" }),
      embedding("text-embedding-ada-002", 1536, 8192),
    ],
  },
  {
    name: "deepseek",
    defaultBaseUrl: "https://api.deepseek.com/v1",
    envPrefix: "DEEPSEEK",
    reasoningField: "reasoning_content",
    models: [chat("deepseek-chat", 128_000, 8192), chat("deepseek-reasoner", 128_000, 65_536)],
  },
  {
    name: "moonshot",
    defaultBaseUrl: "https://api.moonshot.cn/v1",
    envPrefix: "MOONSHOT",
    reasoningField: "reasoning_content",
    models: [
      chat("moonshot-v1-8k", 8192),
      chat("moonshot-v1-32k", 32_768),
      chat("moonshot-v1-128k", 131_072),
      chat("kimi-k2-0905-preview", 262_144),
    ],
  },
  {
    name: "dashscope",
    defaultBaseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    envPrefix: "DASHSCOPE",
    reasoningField: "reasoning_content",
    encoding: "float",
    maxInputs: 10,
    codes: DASHSCOPE_CODES,
    models: [
      chat("qwen-max", 32_768, 8192),
      chat("qwen-plus", 131_072, 16_384),
      chat("qwen-turbo", 1_000_000, 16_384),
      embedding("text-embedding-v3", 1024, 8192, { dimensionChoices: [64, 128, 256, 512, 768, 1024] }),
      embedding("text-embedding-v4", 1024, 8192, {
        dimensionChoices: [64, 128, 256, 512, 768, 1024, 1536, 2048],
      }),
    ],
  },
  {
    name: "siliconflow",
    defaultBaseUrl: "https://api.siliconflow.cn/v1",
    envPrefix: "SILICONFLOW",
    reasoningField: "reasoning_content",
    encoding: "base64",
    maxInputs: 32,
    codes: SILICONFLOW_CODES,
    models: [
      chat("deepseek-ai/DeepSeek-V3", 65_536, 8192),
      chat("Qwen/Qwen2.5-72B-Instruct", 32_768, 4096),
      embedding("BAAI/bge-m3", 1024, 8192),
      embedding("BAAI/bge-large-zh-v1.5", 1024, 512),
    ],
  },
  {
    name: "volcengine-ark",
    defaultBaseUrl: "https://ark.cn-beijing.volces.com/api/v3",
    envPrefix: "VOLCENGINE_ARK",
    reasoningField: "reasoning_content",
    encoding: "float",
    maxInputs: 256,
    codes: VOLCENGINE_CODES,
    models: [chat("doubao-1-5-pro-32k-250115", 32_768, 12_288), chat("doubao-1-5-lite-32k-250115", 32_768, 12_288)],
  },
  {
    name: "openrouter",
    defaultBaseUrl: "https://openrouter.ai/api/v1",
    envPrefix: "OPENROUTER",
    openModels: "any",
    reasoningField: "reasoning",
    models: [chat("openai/gpt-4o-mini", 128_000, 16_384), chat("deepseek/deepseek-chat", 64_000)],
  },
  {
    name: "ollama",
    defaultBaseUrl: "http://127.0.0.1:11434/v1",
    envPrefix: "OLLAMA",
    openModels: "any",
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "float",
    maxInputs: 256,
    models: [chat("llama3.2", 131_072), embedding("nomic-embed-text", 768, 8192), embedding("bge-m3", 1024, 8192)],
  },
  {
    name: "vllm",
    defaultBaseUrl: "http://127.0.0.1:8000/v1",
    envPrefix: "VLLM",
    openModels: "any",
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "base64",
    maxInputs: 1024,
    models: [],
  },
  {
    name: "text-embeddings-inference",
    defaultBaseUrl: "http://127.0.0.1:8080/v1",
    envPrefix: "TEXT_EMBEDDINGS_INFERENCE",
    openModels: "embedding",
    needsKey: false,
    timeouts: MODEL_LOADING,
    encoding: "base64",
    // The default of the server's --max-client-batch-size.
    maxInputs: 32,
    codes: TEI_CODES,
    models: [],
  },
];
