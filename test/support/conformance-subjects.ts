import type { ProviderErrorKind } from "../../src/core/errors.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { createProvider } from "../../src/providers/registry.ts";
import type { Transport } from "../../src/providers/transport/transport.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY, type Simulator } from "../../src/simulator/simulator.ts";

/** One way of talking to a provider, and what its wire looks like. A provider with several protocols is several. */
export interface Subject {
  readonly name: string;
  readonly chatModel: string;
  readonly onSimulator: (simulator: Simulator, transport: Transport) => Provider;
  /** Against a server whose every answer is given by the test. */
  readonly at: (origin: string, transport: Transport) => Provider;
  /** A recorded stream of `text`, with fields nobody knows, and where its end mark ends. */
  readonly stream: { readonly body: string; readonly text: string; readonly complete: number };
  /** A recorded whole answer with the same text. */
  readonly whole: string;
  readonly errors: readonly (readonly [status: number, body: string, kind: ProviderErrorKind])[];
  /** What arrives instead of a stream when it is refused with a 200. */
  readonly refusedStream: readonly [body: string, kind: ProviderErrorKind];
  readonly embedding?: {
    readonly model: string;
    readonly dimensions: number;
    /** An answer that holds `vectors` in another order than asked for, as the protocol allows it. */
    readonly shuffled: (vectors: readonly (readonly number[])[]) => string;
  };
}

const TEXT = "春眠不觉晓 🐦 sings — naïvely.";

function recordStream(frames: readonly unknown[], complete = "data: [DONE]") {
  const body = [...frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`), `${complete}\n\n`].join("");
  return { body, text: TEXT, complete: Buffer.byteLength(body) - 2 };
}

const characters = [...TEXT];
const pieces = [0, 3, 7, 12, 20].map((start, index, starts) =>
  characters.slice(start, starts[index + 1]).join(""),
);
const unknown = { x_unknown: { deep: [1, null] } };

/** `toReversed` on the wire and `index` in every entry: the order of the inputs can be found again. */
function shuffledByIndex(vectors: readonly (readonly number[])[]): string {
  const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding, ...unknown }));
  return JSON.stringify({
    object: "list",
    data: data.toReversed(),
    usage: { prompt_tokens: 1, total_tokens: 1 },
  });
}

export const SUBJECTS: readonly Subject[] = [
  {
    name: "openai",
    chatModel: "gpt-4o-mini",
    onSimulator: ({ openaiUrl }, transport) =>
      createProvider("openai", { baseUrl: openaiUrl, apiKey: SIMULATOR_API_KEY }, transport),
    at: (origin, transport) => createProvider("openai", { baseUrl: `${origin}/v1`, apiKey: "k" }, transport),
    stream: recordStream([
      {
        id: "c",
        choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
        ...unknown,
      },
      ...pieces.map((content) => ({
        id: "c",
        choices: [{ index: 0, delta: { content, ...unknown }, ...unknown }],
      })),
      { id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { id: "c", choices: [], usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 } },
    ]),
    whole: JSON.stringify({
      id: "c",
      choices: [
        { index: 0, message: { role: "assistant", content: TEXT, ...unknown }, finish_reason: "stop" },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12, ...unknown },
      ...unknown,
    }),
    errors: [
      [401, '{"error":{"code":"invalid_api_key"}}', "auth"],
      [429, '{"error":{"code":"insufficient_quota"}}', "quota"],
      [429, '{"error":{"code":"rate_limit_exceeded","type":"requests"}}', "throttled"],
      [400, '{"error":{"code":"context_length_exceeded"}}', "too-long"],
      [400, '{"error":{"code":"content_policy_violation"}}', "content-filter"],
      [400, '{"error":{"type":"invalid_request_error"}}', "invalid-request"],
      [500, '{"error":{"type":"server_error"}}', "server"],
      [503, "<html>", "overloaded"],
      [200, '{"error":{"code":429}}', "throttled"],
      [200, "<html>", "bad-response"],
      [200, "", "bad-response"],
    ],
    refusedStream: ['{"error":{"code":"insufficient_quota"}}', "quota"],
    embedding: { model: "text-embedding-ada-002", dimensions: 1536, shuffled: shuffledByIndex },
  },
  {
    name: "zhipu",
    chatModel: "glm-4.5-air",
    onSimulator: ({ zhipuUrl }, transport) =>
      createProvider(
        "zhipu",
        { baseUrl: zhipuUrl, apiKey: SIMULATOR_ZHIPU_KEY, extra: { auth: "jwt" } },
        transport,
      ),
    at: (origin, transport) =>
      createProvider("zhipu", { baseUrl: `${origin}/api/paas/v4`, apiKey: "id.secret" }, transport),
    stream: recordStream([
      {
        id: "2025",
        choices: [{ index: 0, delta: { role: "assistant", reasoning_content: "\n" } }],
        ...unknown,
      },
      ...pieces.map((content) => ({ id: "2025", choices: [{ index: 0, delta: { content } }], ...unknown })),
      {
        id: "2025",
        choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 },
      },
    ]),
    whole: JSON.stringify({
      id: "2025",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: TEXT, reasoning_content: "\n", ...unknown },
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 },
    }),
    errors: [
      [401, '{"error":{"code":"1000","message":"x"}}', "auth"],
      [401, '{"error":{"code":"1003","message":"x"}}', "auth"],
      [429, '{"error":{"code":"1113","message":"x"}}', "quota"],
      [429, '{"error":{"code":"1302","message":"x"}}', "throttled"],
      [429, '{"error":{"code":"1305","message":"x"}}', "overloaded"],
      [400, '{"error":{"code":"1210","message":"x"}}', "invalid-request"],
      [400, '{"error":{"code":"1261","message":"x"}}', "too-long"],
      [400, '{"error":{"code":"1301","message":"x"}}', "content-filter"],
      [500, '{"error":{"code":"1234","message":"x"}}', "server"],
      [200, '{"code":1000,"msg":"x","success":false}', "auth"],
      [502, "<html>", "server"],
      [200, "", "bad-response"],
    ],
    refusedStream: ['{"error":{"code":"1113","message":"x"}}', "quota"],
    embedding: { model: "embedding-2", dimensions: 1024, shuffled: shuffledByIndex },
  },
];
