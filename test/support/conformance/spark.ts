import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { ProviderAccount } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";
import { encodeCloseFrame, encodeTextMessage } from "#test/support/servers/websocket-frames.ts";
import {
  type ConformanceSubject,
  type EmbeddingSubject,
  type ErrorCase,
  type RecordedStream,
  recordEvents,
  TEXT,
  TEXT_DELTAS,
  UNKNOWN_FIELDS,
} from "./subject.ts";

const USAGE = { question_tokens: 2, prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 };

function socketFrame(content: string, seq: number, status: 0 | 1 | 2) {
  return JSON.stringify({
    header: { code: 0, message: "Success", sid: "cht000@dx", status, ...UNKNOWN_FIELDS },
    payload: {
      choices: { status, seq, text: [{ content, role: "assistant", index: 0, ...UNKNOWN_FIELDS }] },
      usage: status === 2 ? { text: USAGE } : undefined,
      ...UNKNOWN_FIELDS,
    },
  });
}

function recordSocket(): RecordedStream {
  const last = TEXT_DELTAS.length - 1;
  const messages = TEXT_DELTAS.map((piece, index) =>
    socketFrame(piece, index, index === 0 ? 0 : index === last ? 2 : 1),
  );
  const sent = messages.map((message) => encodeTextMessage(message));
  const closed = (frames: readonly Buffer[]) => Buffer.concat([...frames, encodeCloseFrame()]);
  const [first = Buffer.alloc(0), second = Buffer.alloc(0), ...others] = sent;
  return {
    text: TEXT,
    variants: [
      closed(sent),
      // Split characters, out of order, duplicates, no close frame, and everything in one message.
      closed(messages.map((message) => encodeTextMessage(message, [1, 2, 3, 90, 130, 131, 132, 133, 134]))),
      closed([second, first, ...others]),
      closed(sent.flatMap((frame) => [frame, frame]).slice(0, -1)),
      Buffer.concat(sent),
      closed([encodeTextMessage(socketFrame(TEXT, 0, 2))]),
    ],
    complete: Buffer.concat(sent).length,
    messages,
  };
}

/** `header.code` of frames and embedding responses. */
const CODES: Readonly<Record<number, ProviderErrorKind>> = {
  10000: "server",
  10001: "server",
  10002: "server",
  10003: "invalid-request",
  10004: "invalid-request",
  10005: "invalid-request",
  10006: "throttled",
  10007: "throttled",
  10008: "overloaded",
  10009: "server",
  10010: "server",
  10011: "server",
  10012: "server",
  10013: "content-filter",
  10014: "content-filter",
  10015: "auth",
  10016: "auth",
  10017: "server",
  10019: "content-filter",
  10021: "content-filter",
  10110: "overloaded",
  10163: "invalid-request",
  10222: "server",
  10404: "auth",
  10907: "too-long",
  11200: "auth",
  11201: "quota",
  11202: "throttled",
  11203: "throttled",
};

const listErrors = (status: number, body: (code: string) => unknown): ErrorCase[] =>
  Object.entries(CODES).map(([code, kind]) => [status, JSON.stringify(body(code)), kind]);

const GATEWAY_ERRORS: readonly ErrorCase[] = [
  [401, '{"message":"HMAC signature does not match"}', "auth"],
  [401, '{"message":"HMAC signature cannot be verified"}', "auth"],
  [
    403,
    '{"message":"HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication"}',
    "auth",
  ],
  [502, "<html>", "server"],
  [503, "<html>", "overloaded"],
];

const floatsInBase64 = (vectors: readonly (readonly number[])[]) =>
  Buffer.from(Float32Array.from(vectors.flat()).buffer).toString("base64");

const embedding = (model: string): EmbeddingSubject => ({
  model,
  dimensions: 2560,
  isLengthKnown: true,
  answer: (vectors) =>
    JSON.stringify({
      header: { code: 0, message: "success", sid: "ase000@dx", ...UNKNOWN_FIELDS },
      payload: { feature: { encoding: "utf8", text: floatsInBase64(vectors), ...UNKNOWN_FIELDS } },
    }),
});

const account = (baseUrl: string, apiKey: string, extra: ProviderAccount["extra"] = {}): ProviderAccount => ({
  baseUrl,
  apiKey,
  extra,
});
const SIGNING = { appId: SIMULATED_SPARK.appId, apiSecret: SIMULATED_SPARK.apiSecret };

const WEBSOCKET: ConformanceSubject = {
  name: "spark websocket",
  chatModel: "max",
  usesRealSockets: true,
  createForSimulator: ({ spark: { url, embeddingUrl } }, transport) =>
    createRegistry().createProvider(
      "spark",
      account(url, SIMULATOR_API_KEY, { ...SIGNING, embeddingBaseUrl: embeddingUrl }),
      transport,
    ),
  at: (origin, transport) =>
    createRegistry().createProvider(
      "spark",
      account(origin.replace(/^http/, "ws"), "k", { ...SIGNING, embeddingBaseUrl: origin }),
      transport,
    ),
  stream: recordSocket(),
  errors: [
    ...listErrors(101, (code) => ({ header: { code: Number(code), message: "x", sid: "s", status: 2 } })),
    ...GATEWAY_ERRORS,
    [101, '{"header":{"code":99999,"message":"x","sid":"s"}}', "server"],
    [101, "<html>", "bad-response"],
    [101, "{}", "bad-response"],
    [101, "", "bad-response"],
  ],
  rejectedStream: ['{"header":{"code":11202,"message":"AppIdQpsOverFlowError","sid":"s"}}', "throttled"],
  refusal: {
    whole: '{"header":{"code":10014,"message":"x","sid":"s","status":2}}',
    stream: '{"header":{"code":10014,"message":"x","sid":"s","status":2}}',
  },
  reasoning: "messages of the WebSocket interface have no field for reasoning",
  embeddings: [embedding("embedding"), embedding("embedding-v2")],
};

const httpFrame = (more: object) => ({ code: 0, message: "Success", sid: "cha000@dx", created: 1, ...more });

const HTTP: ConformanceSubject = {
  name: "spark http",
  chatModel: "max",
  usesRealSockets: true,
  createForSimulator: ({ spark: { url, httpUrl } }, transport) =>
    createRegistry().createProvider(
      "spark",
      account(url, SIMULATED_SPARK.apiPassword, { httpBaseUrl: httpUrl }),
      transport,
    ),
  at: (origin, transport) =>
    createRegistry().createProvider(
      "spark",
      account("wss://unused.invalid", "k", { httpBaseUrl: `${origin}/v1` }),
      transport,
    ),
  stream: recordEvents(
    [
      ...TEXT_DELTAS.slice(0, -1).map((content) =>
        httpFrame({
          choices: [{ index: 0, delta: { role: "assistant", content }, ...UNKNOWN_FIELDS }],
        }),
      ),
      httpFrame({ choices: [{ index: 0, delta: { content: TEXT_DELTAS.at(-1) } }], usage: USAGE }),
    ],
    { end: "[DONE]", prefix: "data:" },
  ),
  fullResponse: JSON.stringify({
    code: 0,
    message: "Success",
    sid: "cha000@dx",
    choices: [{ index: 0, message: { role: "assistant", content: TEXT, ...UNKNOWN_FIELDS } }],
    usage: USAGE,
    ...UNKNOWN_FIELDS,
  }),
  errors: [
    ...listErrors(200, (code) => ({ code: Number(code), message: "x", sid: "s" })),
    ...listErrors(400, (code) => ({ error: { message: "x", code } })),
    [200, '{"code":99999,"message":"x","sid":"s"}', "server"],
    [400, '{"error":{"message":"x","code":"99999"}}', "invalid-request"],
    [401, '{"error":{"message":"invalid user","type":"api_error","param":null,"code":null}}', "auth"],
    [502, "<html>", "server"],
    [200, "<html>", "bad-response"],
    [200, "", "bad-response"],
  ],
  rejectedStream: ['{"code":11202,"message":"AppIdQpsOverFlowError","sid":"s"}', "throttled"],
  refusal: {
    whole: '{"code":10014,"message":"x","sid":"s"}',
    stream: 'data:{"code":10014,"message":"x","sid":"s"}\n\n',
  },
  reasoning: "the HTTP interface documents no field for earlier reasoning",
  embeddings: [],
};

export const SPARK_SUBJECTS: readonly ConformanceSubject[] = [WEBSOCKET, HTTP];
