import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import {
  type ConformanceSubject,
  type ErrorCase,
  recordNamedEvents,
  TEXT,
  TEXT_DELTAS,
  UNKNOWN_FIELDS,
} from "./subject.ts";

/** One for all tests, because each reads the catalogue of models. */
const REGISTRY = createRegistry();

const HEAD = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5" };
const USAGE = { input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 9 };

const EVENTS = [
  {
    type: "message_start",
    message: { ...HEAD, content: [], stop_reason: null, stop_sequence: null, usage: { ...USAGE, output_tokens: 1 } },
    ...UNKNOWN_FIELDS,
  },
  { type: "ping" },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "", ...UNKNOWN_FIELDS } },
  { type: "x_unknown_event", ...UNKNOWN_FIELDS },
  ...TEXT_DELTAS.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 9 },
    ...UNKNOWN_FIELDS,
  },
  { type: "message_stop" },
];

const error = (type: string, message = "x", code?: string) =>
  JSON.stringify({
    type: "error",
    error: { type, message, details: code === undefined ? undefined : { error_code: code } },
    request_id: "req_1",
  });

const ERRORS: readonly ErrorCase[] = [
  [400, error("invalid_request_error"), "invalid-request"],
  [400, error("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"), "too-long"],
  [400, error("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"), "too-long"],
  [400, error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), "quota"],
  [400, error("invalid_request_error", "Output blocked by content filtering policy"), "content-filter"],
  [400, error("invalid_request_error", "This organization has been disabled."), "auth"],
  [400, error("invalid_request_error", "x", "organization_on_hold"), "auth"],
  [400, error("invalid_request_error", "x", "image_dimensions_too_large"), "too-long"],
  [401, error("authentication_error", "invalid x-api-key"), "auth"],
  [402, error("billing_error"), "quota"],
  [403, error("permission_error"), "auth"],
  [404, error("not_found_error", "model: claude-x"), "auth"],
  [413, error("request_too_large"), "too-long"],
  [429, error("rate_limit_error"), "throttled"],
  [429, error("rate_limit_error", "x", "enforced_spend_limit_reached"), "quota"],
  [429, error("rate_limit_error", "x", "ramp_limit_exceeded"), "throttled"],
  [429, error("rate_limit_error", "x", "a_code_of_the_future"), "throttled"],
  [500, error("api_error"), "server"],
  [503, error("api_error"), "overloaded"],
  [504, error("timeout_error"), "timeout"],
  [529, error("overloaded_error"), "overloaded"],
  [529, "", "overloaded"],
  [502, "<html>", "server"],
  [200, error("overloaded_error"), "overloaded"],
  [200, error("api_error"), "server"],
  [200, "<html>", "bad-response"],
  [200, "", "bad-response"],
  [200, "{}", "bad-response"],
  [200, JSON.stringify({ ...HEAD, content: null, stop_reason: "end_turn", usage: USAGE }), "bad-response"],
];

const encodeMessage = (content: readonly object[], stopReason: string) =>
  JSON.stringify({ ...HEAD, content, stop_reason: stopReason, stop_sequence: null, usage: USAGE });
const REFUSED_EVENTS = [
  {
    type: "message_start",
    message: { ...HEAD, content: [], stop_reason: null, stop_sequence: null, usage: USAGE },
  },
  { type: "message_delta", delta: { stop_reason: "refusal", stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: "message_stop" },
];
/** Rejected by Anthropic without its signature. */
const THINKING = { type: "thinking", thinking: "6 * 7", signature: "c2ln" };

export const ANTHROPIC_SUBJECT: ConformanceSubject = {
  name: "anthropic",
  chatModel: "claude-sonnet-4-5",
  usesRealSockets: true,
  createForSimulator: ({ anthropicUrl }, transport) =>
    REGISTRY.createProvider("anthropic", { baseUrl: anthropicUrl, apiKey: SIMULATOR_API_KEY }, transport),
  at: (origin, transport) => REGISTRY.createProvider("anthropic", { baseUrl: origin, apiKey: "sk-ant-x" }, transport),
  stream: recordNamedEvents(EVENTS),
  fullResponse: JSON.stringify({
    ...HEAD,
    content: [{ type: "text", text: TEXT, ...UNKNOWN_FIELDS }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { ...USAGE, ...UNKNOWN_FIELDS },
    ...UNKNOWN_FIELDS,
  }),
  errors: ERRORS,
  rejectedStream: [error("overloaded_error"), "overloaded"],
  embeddings: [],
  refusal: {
    whole: encodeMessage([], "refusal"),
    stream: REFUSED_EVENTS.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""),
  },
  reasoning: {
    answer: encodeMessage([THINKING, { type: "text", text: "42" }], "end_turn"),
    sentBack: { role: "assistant", content: [THINKING, { type: "text", text: "42" }] },
  },
};
