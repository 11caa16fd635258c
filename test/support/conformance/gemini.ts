import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { type ConformanceSubject, type ErrorCase, recordEvents, TEXT, TEXT_DELTAS, UNKNOWN_FIELDS } from "./subject.ts";

/** One for all tests, because each reads the catalogue of models. */
const REGISTRY = createRegistry();

const USAGE = { promptTokenCount: 3, candidatesTokenCount: 9, totalTokenCount: 12 };

/** Short, because tests cut it at every byte. */
const piece = (text: string) => ({ candidates: [{ content: { parts: [{ text }], role: "model" } }] });

const complete = (part: object) => ({
  candidates: [{ content: { parts: [part], role: "model", ...UNKNOWN_FIELDS }, finishReason: "STOP", index: 0 }],
  usageMetadata: USAGE,
  modelVersion: "gemini-2.5-flash",
  responseId: "r1",
  ...UNKNOWN_FIELDS,
});

const error = (code: number, status: string, message = "x", details?: readonly unknown[]) =>
  JSON.stringify({ error: { code, message, status, details } });
const reason = (name: string) => [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: name }];

const ERRORS: readonly ErrorCase[] = [
  [400, error(400, "INVALID_ARGUMENT"), "invalid-request"],
  [400, error(400, "INVALID_ARGUMENT", "API key not valid.", reason("API_KEY_INVALID")), "auth"],
  [400, `[${error(400, "INVALID_ARGUMENT", "API key not valid.", reason("API_KEY_INVALID"))}]`, "auth"],
  [400, error(400, "FAILED_PRECONDITION", "User location is not supported"), "auth"],
  [
    400,
    error(400, "INVALID_ARGUMENT", "The input token count (1500000) exceeds the maximum number of tokens allowed (1)."),
    "too-long",
  ],
  [401, error(401, "UNAUTHENTICATED"), "auth"],
  [403, error(403, "PERMISSION_DENIED"), "auth"],
  [403, error(403, "PERMISSION_DENIED", "x", reason("BILLING_DISABLED")), "quota"],
  [404, error(404, "NOT_FOUND", "models/x is not found for API version v1beta"), "auth"],
  [429, error(429, "RESOURCE_EXHAUSTED", "x", [{ retryDelay: "12s" }]), "throttled"],
  [500, error(500, "INTERNAL"), "server"],
  [503, error(503, "UNAVAILABLE"), "overloaded"],
  [504, error(504, "DEADLINE_EXCEEDED"), "timeout"],
  [502, "<html>", "server"],
  [200, error(503, "UNAVAILABLE"), "overloaded"],
  [200, "<html>", "bad-response"],
  [200, "", "bad-response"],
  [200, "{}", "bad-response"],
];

const WITHDRAWN = { candidates: [{ finishReason: "SAFETY", index: 0 }], usageMetadata: USAGE, responseId: "r1" };

export const GEMINI_SUBJECT: ConformanceSubject = {
  name: "gemini",
  chatModel: "gemini-2.5-flash",
  usesRealSockets: true,
  createForSimulator: ({ geminiUrl }, transport) =>
    REGISTRY.createProvider("gemini", { baseUrl: geminiUrl, apiKey: SIMULATOR_API_KEY }, transport),
  at: (origin, transport) => REGISTRY.createProvider("gemini", { baseUrl: origin, apiKey: "k" }, transport),
  stream: recordEvents([...TEXT_DELTAS.map(piece), complete({ text: "", thoughtSignature: "U0lH" })]),
  fullResponse: JSON.stringify(complete({ text: TEXT, ...UNKNOWN_FIELDS })),
  errors: ERRORS,
  rejectedStream: [error(429, "RESOURCE_EXHAUSTED", "x", [{ retryDelay: "12s" }]), "throttled"],
  refusal: { whole: JSON.stringify(WITHDRAWN), stream: `data: ${JSON.stringify(WITHDRAWN)}\n\n` },
  reasoning: {
    answer: JSON.stringify(complete({ text: "42", thoughtSignature: "U0lH" })),
    sentBack: { role: "model", parts: [{ text: "42", thoughtSignature: "U0lH" }] },
  },
  embeddings: [
    {
      model: "gemini-embedding-001",
      dimensions: 3072,
      isLengthKnown: true,
      answer: (vectors) => JSON.stringify({ embeddings: vectors.map((values) => ({ values, ...UNKNOWN_FIELDS })) }),
    },
  ],
};
