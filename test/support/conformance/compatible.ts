import type { CompatibleProfile } from "#src/providers/openai-compatible/profile.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import {
  type ConformanceSubject,
  type ErrorCase,
  encodeCompletion,
  encodeDelta,
  encodeReversed,
  recordEvents,
  TEXT,
  TEXT_DELTAS,
  UNKNOWN_FIELDS,
} from "./subject.ts";

const USAGE = { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 };

const STREAM = recordEvents(
  [
    {
      id: "c",
      choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
      ...UNKNOWN_FIELDS,
    },
    ...TEXT_DELTAS.map((content) => ({
      id: "c",
      choices: [{ index: 0, delta: { content, ...UNKNOWN_FIELDS }, ...UNKNOWN_FIELDS }],
    })),
    { id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { id: "c", choices: [], usage: USAGE },
  ],
  { end: "[DONE]" },
);

const WHOLE = JSON.stringify({
  id: "c",
  choices: [{ index: 0, message: { role: "assistant", content: TEXT, ...UNKNOWN_FIELDS }, finish_reason: "stop" }],
  usage: { ...USAGE, ...UNKNOWN_FIELDS },
  ...UNKNOWN_FIELDS,
});

const DETAILS = [{ type: "reasoning.text", text: "6 * 7", signature: "c2ln", index: 0 }];

/** Errors that all vendors share, in addition to a vendor's own codes. */
const ERRORS: readonly ErrorCase[] = [
  [401, '{"error":{"code":"invalid_api_key"}}', "auth"],
  [402, '{"error":{"code":"invalid_request_error","type":"unknown_error"}}', "quota"],
  [401, '{"error":{"code":"invalid_request_error"}}', "auth"],
  [404, '{"error":{"code":null,"type":"invalid_request_error"}}', "auth"],
  [429, '{"error":{"code":"invalid_request_error"}}', "throttled"],
  [503, '{"error":{"code":"invalid_request_error"}}', "overloaded"],
  [503, '{"error":{"code":"model_not_found"}}', "overloaded"],
  [400, '[{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]', "auth"],
  [429, '{"error":{"code":"rate_limit_exceeded","type":"requests"}}', "throttled"],
  [400, '{"error":{"code":"context_length_exceeded"}}', "too-long"],
  [403, '{"error":{"code":403,"message":"x","metadata":{"reasons":["violence"]}}}', "content-filter"],
  [400, '{"error":{"code":"content_policy_violation"}}', "content-filter"],
  [400, '{"error":{"type":"invalid_request_error"}}', "invalid-request"],
  [500, '{"error":{"type":"server_error"}}', "server"],
  [503, "<html>", "overloaded"],
  [200, '{"error":{"code":429}}', "throttled"],
  [200, "<html>", "bad-response"],
  [200, "", "bad-response"],
];

/** A vendor of the OpenAI protocol. The simulator's OpenAI server is used for every vendor. */
export function createCompatibleSubject(profile: CompatibleProfile): ConformanceSubject {
  const { name, models, codes = {}, reasoningField } = profile;
  const quotaKind = codes.insufficient_quota?.kind ?? "quota";
  const chat = models.find(({ kind }) => kind === "chat")?.name ?? "any/chat-model";
  const known = models.find(({ kind, dimensions }) => kind === "embedding" && dimensions !== undefined);
  return {
    name,
    chatModel: chat,
    // All vendors share one codec.
    usesRealSockets: name === "openai",
    createForSimulator: ({ openaiUrl }, transport) =>
      createRegistry().createProvider(name, { baseUrl: openaiUrl, apiKey: SIMULATOR_API_KEY }, transport),
    at: (origin, transport) =>
      createRegistry().createProvider(name, { baseUrl: `${origin}/v1`, apiKey: "k" }, transport),
    stream: STREAM,
    fullResponse: WHOLE,
    errors: [
      ...ERRORS,
      [429, '{"error":{"code":"insufficient_quota"}}', quotaKind],
      ...Object.entries(codes).map(
        ([code, { kind }]): ErrorCase => [400, JSON.stringify({ error: { code, message: "x" } }), kind],
      ),
    ],
    rejectedStream: ['{"error":{"code":"insufficient_quota"}}', quotaKind],
    refusal: {
      whole: encodeCompletion({ content: null, refusal: "No." }),
      stream: encodeDelta({ content: null, refusal: "No." }),
    },
    reasoning:
      reasoningField === undefined
        ? "the vendor takes no reasoning back"
        : {
            answer: encodeCompletion({ content: "42", [reasoningField]: "6 * 7", reasoning_details: DETAILS }),
            sentBack: { content: "42", [reasoningField]: "6 * 7", reasoning_details: DETAILS },
          },
    embeddings: [
      {
        model: known?.name ?? "any/embedding-model",
        dimensions: known?.dimensions ?? 384,
        isLengthKnown: known !== undefined,
        answer: encodeReversed,
      },
    ],
  };
}
