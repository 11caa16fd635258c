import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import {
  type ConformanceSubject,
  type ErrorCase,
  encodeCompletion,
  encodeDelta,
  type RecordedStream,
  recordEvents,
  TEXT,
  TEXT_DELTAS,
  UNKNOWN_FIELDS,
} from "./subject.ts";

const SUCCESS = { status_code: 0, status_msg: "" };
const MIDDLE = { created: 1, model: "m", reply: "", ...UNKNOWN_FIELDS };
const END = { created: 1, model: "m", reply: TEXT, usage: { total_tokens: 12 }, base_resp: SUCCESS };
const NO_USAGE = { usage: { total_tokens: 0, total_characters: 0 } };
const USAGE = { usage: { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 } };

const botMessage = (text: string) => ({ sender_type: "BOT", sender_name: "Assistant", text });
const wholeMessage = {
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: TEXT, ...UNKNOWN_FIELDS }, finish_reason: "stop" }],
  ...USAGE,
  base_resp: SUCCESS,
  ...UNKNOWN_FIELDS,
};
const chunk = (choice: object) => ({
  id: "c",
  object: "chat.completion.chunk",
  choices: [{ index: 0, ...choice }],
  ...UNKNOWN_FIELDS,
});

/** All error codes of the native protocols; their HTTP status is 200. */
const NATIVE_CODES: Readonly<Record<number, ProviderErrorKind>> = {
  1000: "server",
  1001: "timeout",
  1002: "throttled",
  1004: "auth",
  1008: "quota",
  1013: "server",
  1024: "server",
  1026: "content-filter",
  1027: "content-filter",
  1033: "server",
  1039: "throttled",
  1041: "throttled",
  1042: "invalid-request",
  2013: "invalid-request",
  2044: "auth",
  2045: "throttled",
  2049: "auth",
  2056: "quota",
  2061: "quota",
  9999: "server",
};

const NATIVE_ERRORS: readonly ErrorCase[] = [
  ...Object.entries(NATIVE_CODES).map(
    ([code, kind]): ErrorCase => [
      200,
      `{"choices":null,"vectors":null,"base_resp":{"status_code":${code},"status_msg":"x"}}`,
      kind,
    ],
  ),
  [502, "<html>", "server"],
  [503, "<html>", "overloaded"],
  [200, "<html>", "bad-response"],
  [200, "{}", "bad-response"],
  [200, "", "bad-response"],
];

const openaiError = (type: string, message: string, status: number) =>
  JSON.stringify({ type: "error", error: { type, message, http_code: String(status) }, request_id: "r" });

const COMPATIBLE_ERRORS: readonly ErrorCase[] = [
  [401, openaiError("authorized_error", "login fail: carry the key (1004)", 401), "auth"],
  [429, openaiError("rate_limit_error", "rate limit (1002)", 429), "throttled"],
  [429, openaiError("rate_limit_error", "usage limit (2056)", 429), "quota"],
  [429, openaiError("rate_limit_error", "too many", 429), "throttled"],
  [400, openaiError("insufficient_balance_error", "balance (1008)", 400), "quota"],
  [400, openaiError("bad_request_error", "sensitive (1026)", 400), "content-filter"],
  [400, openaiError("bad_request_error", "invalid params (2013)", 400), "invalid-request"],
  [500, openaiError("api_error", "internal (1000)", 500), "server"],
  [529, openaiError("overloaded_error", "busy", 529), "overloaded"],
  [502, "<html>", "server"],
  [200, "<html>", "bad-response"],
  [200, "", "bad-response"],
];

const REFUSED = ['{"base_resp":{"status_code":1002,"status_msg":"rate limit exceeded(RPM)"}}', "throttled"] as const;

function subject(
  dialect: string,
  chatModel: string,
  recording: Pick<ConformanceSubject, "stream" | "errors" | "embeddings" | "refusal" | "reasoning"> & {
    readonly fullResponse: string;
  },
): ConformanceSubject {
  return {
    name: `minimax ${dialect}`,
    chatModel,
    usesRealSockets: dialect === "chatcompletion",
    createForSimulator: ({ url }, transport) =>
      createRegistry().createProvider(
        "minimax",
        { baseUrl: url, apiKey: SIMULATOR_API_KEY, extra: { dialect } },
        transport,
      ),
    at: (origin, transport) =>
      createRegistry().createProvider(
        "minimax",
        { baseUrl: `${origin}/v1`, apiKey: "k", extra: { dialect } },
        transport,
      ),
    rejectedStream: REFUSED,
    ...recording,
  };
}

/** The oldest protocol separates events by one line feed unless the request asks for two. */
function bothFramings(frames: readonly unknown[]): RecordedStream {
  const standard = recordEvents(frames);
  return {
    ...standard,
    variants: [...standard.variants, ...recordEvents(frames, { separator: "\n" }).variants],
  };
}

const WITHDRAWN = '{"choices":null,"base_resp":{"status_code":1027,"status_msg":"output new_sensitive"}}';
const NATIVE_REFUSAL = { whole: WITHDRAWN, stream: `data: ${WITHDRAWN}\n\n` };
const NO_REASONING = "abab models do not reason";

export const MINIMAX_SUBJECTS: readonly ConformanceSubject[] = [
  subject("chatcompletion", "abab5.5s-chat", {
    stream: bothFramings([
      ...TEXT_DELTAS.map((delta) => ({ ...MIDDLE, choices: [{ delta }] })),
      { ...END, choices: [{ delta: "", index: 0, finish_reason: "stop" }] },
    ]),
    fullResponse: JSON.stringify({ ...END, choices: [{ text: TEXT, index: 0, finish_reason: "stop" }] }),
    errors: NATIVE_ERRORS,
    refusal: NATIVE_REFUSAL,
    reasoning: NO_REASONING,
    embeddings: [
      {
        model: "embo-01",
        dimensions: 1536,
        isLengthKnown: true,
        answer: (vectors) => JSON.stringify({ ...UNKNOWN_FIELDS, vectors, total_tokens: 3, base_resp: SUCCESS }),
      },
    ],
  }),
  subject("chatcompletion_pro", "abab6.5s-chat", {
    stream: recordEvents([
      ...TEXT_DELTAS.map((piece) => ({ ...MIDDLE, choices: [{ messages: [botMessage(piece)], index: 0 }] })),
      { ...END, choices: [{ messages: [botMessage(TEXT)], index: 0, finish_reason: "stop" }] },
    ]),
    fullResponse: JSON.stringify({
      ...END,
      choices: [{ messages: [botMessage(TEXT)], index: 0, finish_reason: "stop" }],
    }),
    errors: NATIVE_ERRORS,
    refusal: NATIVE_REFUSAL,
    reasoning: NO_REASONING,
    embeddings: [],
  }),
  subject("chatcompletion_v2", "MiniMax-Text-01", {
    stream: recordEvents([
      ...TEXT_DELTAS.map((content, index) => ({
        ...chunk({
          delta: { content, role: index === 0 ? "assistant" : "" },
          finish_reason: index === TEXT_DELTAS.length - 1 ? "stop" : undefined,
        }),
        ...NO_USAGE,
      })),
      { ...wholeMessage },
    ]),
    fullResponse: JSON.stringify(wholeMessage),
    errors: NATIVE_ERRORS,
    refusal: NATIVE_REFUSAL,
    reasoning: {
      answer: encodeCompletion({ content: "42", reasoning_content: "6 * 7" }),
      sentBack: { content: "42", reasoning_content: "6 * 7" },
    },
    embeddings: [],
  }),
  subject("openai", "MiniMax-M2", {
    stream: recordEvents(
      [
        ...TEXT_DELTAS.map((content) => chunk({ delta: { content, role: "assistant" } })),
        { ...chunk({ delta: {}, finish_reason: "stop" }), ...USAGE },
      ],
      { end: "[DONE]" },
    ),
    fullResponse: JSON.stringify(wholeMessage),
    errors: COMPATIBLE_ERRORS,
    refusal: {
      whole: encodeCompletion({ content: "" }, "content_filter"),
      stream: encodeDelta({ content: "" }, "content_filter"),
    },
    reasoning: {
      answer: encodeCompletion({ content: "<think>\n6 * 7\n</think>\n\n42" }),
      sentBack: { content: "<think>\n6 * 7\n</think>\n\n42" },
    },
    embeddings: [],
  }),
];
