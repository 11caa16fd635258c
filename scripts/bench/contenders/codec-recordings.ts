// Responses in every wire protocol, of any length.
import type { ProviderAccount } from "#src/providers/provider.ts";

export interface Recording {
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly account: ProviderAccount;
  /** Server-sent events, or messages of a WebSocket. */
  readonly events: readonly string[];
}

export interface EmbeddingRecording {
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly account: ProviderAccount;
  readonly inputs: number;
  readonly dimensions: number;
  readonly body: Buffer;
}

const WORDS = ["river ", "gate ", "水", "water ", "闸", "lock ", "channel, ", "stone "];
const COMMON = { id: "chatcmpl-0123456789abcdef", created: 1_760_000_000, model: "m" };
const USAGE = { prompt_tokens: 20, completion_tokens: 1000, total_tokens: 1020 };

const account = (extra: ProviderAccount["extra"] = {}): ProviderAccount => ({
  baseUrl: "http://bench.invalid/v1",
  apiKey: "bench.key",
  extra,
});
const SIGNING = { appId: "bench", apiSecret: "bench", embeddingBaseUrl: "http://bench.invalid" };
const SPARK_SOCKET = { ...account(SIGNING), baseUrl: "ws://bench.invalid" };

const encodeEvent = (frame: unknown) => `data: ${JSON.stringify(frame)}\n\n`;

/** One stream with this number of deltas for each protocol. */
export function recordChats(deltas: number): Recording[] {
  const words = Array.from({ length: deltas }, (_, n) => WORDS[n % WORDS.length] ?? "");
  const text = words.join("");
  const chunk = (choice: object, more: object = {}) =>
    encodeEvent({ ...COMMON, object: "chat.completion.chunk", choices: [{ index: 0, ...choice }], ...more });
  const openai = [
    ...words.map((content) => chunk({ delta: { content }, finish_reason: null })),
    chunk({ delta: {}, finish_reason: "stop" }, { usage: USAGE }),
    "data: [DONE]\n\n",
  ];
  const bot = (one: string) => ({ sender_type: "BOT", sender_name: "Assistant", text: one });
  const end = { ...COMMON, reply: text, usage: { total_tokens: 1020 }, base_resp: { status_code: 0 } };
  const minimax = (dialect: string, model: string, events: readonly string[]): Recording => ({
    name: `minimax ${dialect}`,
    provider: "minimax",
    model,
    account: account({ dialect }),
    events,
  });
  return [
    { name: "openai", provider: "openai", model: "gpt-4o", account: account(), events: openai },
    { name: "zhipu", provider: "zhipu", model: "glm-4-plus", account: account(), events: openai },
    {
      name: "spark websocket",
      provider: "spark",
      model: "max",
      account: SPARK_SOCKET,
      events: words.map((content, seq) => sparkMessage(content, seq, seq === deltas - 1)),
    },
    {
      name: "spark http",
      provider: "spark",
      model: "max",
      account: account({ httpBaseUrl: "http://bench.invalid/v1" }),
      events: [
        ...words.map((content) =>
          encodeEvent({ code: 0, message: "Success", sid: "cha0", choices: [{ index: 0, delta: { content } }] }),
        ),
        "data:[DONE]\n\n",
      ],
    },
    minimax("chatcompletion", "abab5.5s-chat", [
      ...words.map((delta) => encodeEvent({ ...COMMON, reply: "", choices: [{ delta }] })),
      encodeEvent({ ...end, choices: [{ delta: "", index: 0, finish_reason: "stop" }] }),
    ]),
    minimax("chatcompletion_pro", "abab6.5s-chat", [
      ...words.map((word) => encodeEvent({ ...COMMON, reply: "", choices: [{ index: 0, messages: [bot(word)] }] })),
      encodeEvent({ ...end, choices: [{ index: 0, messages: [bot(text)], finish_reason: "stop" }] }),
    ]),
    minimax("chatcompletion_v2", "MiniMax-Text-01", [
      ...words.map((content) => chunk({ delta: { content, role: "" } }, { usage: { total_tokens: 0 } })),
      encodeEvent({
        ...COMMON,
        object: "chat.completion",
        choices: [{ index: 0, message: { content: text }, finish_reason: "stop" }],
        usage: USAGE,
      }),
    ]),
    minimax("openai", "MiniMax-M2", openai),
  ];
}

function sparkMessage(content: string, seq: number, isLast: boolean): string {
  const status = isLast ? 2 : seq === 0 ? 0 : 1;
  return JSON.stringify({
    header: { code: 0, message: "Success", sid: "cht000bench@dx", status },
    payload: {
      choices: { status, seq, text: [{ content, role: "assistant", index: 0 }] },
      usage: isLast ? { text: { question_tokens: 4, ...USAGE } } : undefined,
    },
  });
}

/** One embedding response for each provider and encoding. */
export function recordEmbeddings(): EmbeddingRecording[] {
  const vectors = (count: number, length: number) =>
    Array.from({ length: count }, (_, row) =>
      Float32Array.from({ length }, (__, n) => Math.sin(row * length + n + 1) / 20),
    );
  const printed = (vector: Float32Array) => [...vector].map((value) => Number(value.toFixed(8)));
  const base64 = (vector: Float32Array) => Buffer.from(vector.buffer).toString("base64");
  const list = (embeddings: readonly unknown[]) =>
    JSON.stringify({
      object: "list",
      model: "m",
      data: embeddings.map((embedding, index) => ({ object: "embedding", index, embedding })),
      usage: { prompt_tokens: 300, total_tokens: 300 },
    });
  const ten = vectors(10, 1536);
  const one = vectors(1, 2560).map(base64)[0];
  const record = (
    name: string,
    [provider, model]: readonly [string, string],
    [inputs, dimensions]: readonly [number, number],
    body: string,
    providerAccount: ProviderAccount = account(),
  ): EmbeddingRecording => ({
    name,
    provider,
    model,
    account: providerAccount,
    inputs,
    dimensions,
    body: Buffer.from(body),
  });
  return [
    record("openai, numbers", ["openai", "text-embedding-3-small"], [10, 1536], list(ten.map(printed))),
    record("openai, base64", ["openai", "text-embedding-3-small"], [10, 1536], list(ten.map(base64))),
    record("zhipu", ["zhipu", "embedding-3"], [64, 2048], list(vectors(64, 2048).map(printed))),
    record(
      "minimax",
      ["minimax", "embo-01"],
      [10, 1536],
      JSON.stringify({ vectors: ten.map(printed), total_tokens: 300, base_resp: { status_code: 0 } }),
    ),
    record(
      "spark",
      ["spark", "embedding"],
      [1, 2560],
      JSON.stringify({ header: { code: 0, sid: "ase0" }, payload: { feature: { text: one } } }),
      SPARK_SOCKET,
    ),
  ];
}
