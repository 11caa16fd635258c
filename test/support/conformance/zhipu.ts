import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_ZHIPU_KEY } from "#src/simulator/simulator.ts";
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

/** `error.code` with its HTTP status and kind. */
const CODES: Readonly<Record<string, readonly [status: number, kind: ProviderErrorKind]>> = {
  "500": [500, "server"],
  "1000": [401, "auth"],
  "1001": [401, "auth"],
  "1002": [401, "auth"],
  "1003": [401, "auth"],
  "1004": [401, "auth"],
  "1005": [401, "auth"],
  "1100": [500, "server"],
  "1110": [429, "auth"],
  "1111": [429, "auth"],
  "1112": [429, "auth"],
  "1113": [429, "quota"],
  "1120": [429, "overloaded"],
  "1121": [429, "auth"],
  "1200": [500, "server"],
  "1210": [400, "invalid-request"],
  "1211": [400, "auth"],
  "1212": [400, "invalid-request"],
  "1213": [400, "invalid-request"],
  "1214": [400, "invalid-request"],
  "1215": [400, "invalid-request"],
  "1220": [403, "auth"],
  "1221": [400, "auth"],
  "1222": [400, "auth"],
  "1230": [500, "server"],
  "1231": [400, "invalid-request"],
  "1233": [400, "invalid-request"],
  "1234": [500, "server"],
  "1261": [400, "too-long"],
  "1300": [400, "content-filter"],
  "1301": [400, "content-filter"],
  "1302": [429, "throttled"],
  "1303": [429, "throttled"],
  "1304": [429, "quota"],
  "1305": [429, "overloaded"],
  "1308": [429, "quota"],
  "1309": [429, "quota"],
  "1310": [429, "quota"],
  "1311": [429, "quota"],
  "1312": [429, "overloaded"],
  "1313": [429, "throttled"],
  "1314": [429, "quota"],
  "1315": [429, "quota"],
  "1316": [429, "quota"],
  "1317": [429, "quota"],
  "1318": [429, "quota"],
  "1319": [429, "quota"],
  "1320": [429, "quota"],
  "1321": [429, "quota"],
};

const USAGE = { prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 };

export const ZHIPU_SUBJECT: ConformanceSubject = {
  name: "zhipu",
  chatModel: "glm-4.5-air",
  usesRealSockets: true,
  createForSimulator: ({ zhipuUrl }, transport) =>
    createRegistry().createProvider(
      "zhipu",
      { baseUrl: zhipuUrl, apiKey: SIMULATOR_ZHIPU_KEY, extra: { auth: "jwt" } },
      transport,
    ),
  at: (origin, transport) =>
    createRegistry().createProvider("zhipu", { baseUrl: `${origin}/api/paas/v4`, apiKey: "id.secret" }, transport),
  stream: recordEvents(
    [
      {
        id: "2025",
        choices: [{ index: 0, delta: { role: "assistant", reasoning_content: "\n" } }],
        ...UNKNOWN_FIELDS,
      },
      ...TEXT_DELTAS.map((content) => ({
        id: "2025",
        choices: [{ index: 0, delta: { content } }],
        ...UNKNOWN_FIELDS,
      })),
      {
        id: "2025",
        choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: "stop" }],
        usage: USAGE,
      },
    ],
    { end: "[DONE]" },
  ),
  fullResponse: JSON.stringify({
    id: "2025",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: TEXT, reasoning_content: "\n", ...UNKNOWN_FIELDS },
        finish_reason: "stop",
      },
    ],
    usage: USAGE,
  }),
  errors: [
    ...Object.entries(CODES).map(
      ([code, [status, kind]]): ErrorCase => [status, `{"error":{"code":"${code}","message":"x"}}`, kind],
    ),
    [200, '{"code":1000,"msg":"x","success":false}', "auth"],
    [429, '{"error":{"code":"insufficient_quota","message":"x"}}', "quota"],
    [502, "<html>", "server"],
    [200, "<html>", "bad-response"],
    [200, "", "bad-response"],
  ],
  rejectedStream: ['{"error":{"code":"1113","message":"x"}}', "quota"],
  refusal: {
    whole: encodeCompletion({ content: "" }, "sensitive"),
    stream: encodeDelta({ content: "" }, "sensitive"),
  },
  reasoning: {
    answer: encodeCompletion({ content: "42", reasoning_content: "6 * 7" }),
    sentBack: { content: "42", reasoning_content: "6 * 7" },
  },
  embeddings: [
    { model: "embedding-2", dimensions: 1024, isLengthKnown: true, answer: encodeReversed },
    { model: "embedding-3", dimensions: 2048, isLengthKnown: true, answer: encodeReversed },
  ],
};
