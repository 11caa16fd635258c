import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { SimulatedVectorStore, VectorMode } from "#src/simulator/answers/vector-store.ts";
import type { LimitName } from "#src/simulator/server/account.ts";
import {
  type AcceptedCall,
  corruptVectors,
  type Endpoint,
  joinArray,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
  textsOfModel,
} from "#src/simulator/server/endpoint.ts";
import type { VectorDefect } from "#src/simulator/server/faults.ts";

export interface MinimaxOptions {
  readonly apiKey: string;
  /** If set, every call must have it in its query. */
  readonly groupId: string | undefined;
}

const MODEL = "embo-01";
const MAX_TEXTS = 10;
const MAX_TOKENS = 4096;

/** Errors of a throttled call, for embeddings and chat. */
export const MINIMAX_THROTTLES: Readonly<Record<LimitName, { code: number; message: string }>> = {
  requests: { code: 1002, message: "rate limit exceeded(RPM)" },
  tokens: { code: 1039, message: "rate limit exceeded(TPM)" },
  concurrency: { code: 1041, message: "connection limit exceeded" },
};

/** MiniMax's embedding endpoint. Every error is HTTP 200 with `vectors: null` and a code. */
export function createMinimaxEndpoint(options: MinimaxOptions, vectors: SimulatedVectorStore): Endpoint {
  return {
    path: "/minimax/v1/embeddings",
    check: (call) => checkCall(call, options),
    throttle: (limit) => errorResponse(MINIMAX_THROTTLES[limit].code, MINIMAX_THROTTLES[limit].message),
    fail: (code, message) => errorResponse(code, message ?? "simulated failure"),
    succeed: (call, mode, defect) => succeed(vectors, call, mode, defect),
  };
}

function checkCall(
  call: ReceivedCall,
  options: MinimaxOptions,
): { accepted: AcceptedCall } | { refusal: SimulatedResponse } {
  if (call.headers.authorization !== `Bearer ${options.apiKey}`)
    return {
      refusal: errorResponse(1004, "login fail: Please carry the API secret key in the Authorization field"),
    };
  if (options.groupId !== undefined && call.query.get("GroupId") !== options.groupId)
    return { refusal: errorResponse(1004, "token not match group") };
  const body = parseBody(call.body);
  if (!body) return { refusal: errorResponse(2013, "invalid params, the body is not a JSON object") };
  const { texts } = body;
  const problem = findFieldProblem(body, call.headers["content-type"]);
  if (problem !== undefined || !isTexts(texts)) return { refusal: errorResponse(2013, `invalid params, ${problem}`) };
  let tokens = 0;
  for (const text of texts) {
    const count = countTokens(text);
    if (count > MAX_TOKENS) return { refusal: errorResponse(2013, `invalid params, a text has ${count} tokens`) };
    tokens += count;
  }
  return { accepted: { texts, tokens, model: MODEL, encoding: "float" } };
}

function findFieldProblem(body: Record<string, unknown>, contentType: string | undefined): string | undefined {
  if (!contentType?.startsWith("application/json")) return "content-type must be application/json";
  if (body.model !== MODEL) return "unknown model";
  if (body.type !== "db" && body.type !== "query") return "type must be db or query";
  if (!isTexts(body.texts)) return "texts must be an array of non-empty strings";
  if (body.texts.length === 0 || body.texts.length > MAX_TEXTS) return `texts must have 1 to ${MAX_TEXTS} texts`;
  return undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text !== "");
}

function errorResponse(code: number, message: string): SimulatedResponse {
  return jsonResponse(200, {
    vectors: null,
    total_tokens: 0,
    base_resp: { status_code: code, status_msg: message },
  });
}

function succeed(
  vectors: SimulatedVectorStore,
  call: AcceptedCall,
  mode: VectorMode,
  defect: VectorDefect | undefined,
): SimulatedResponse {
  const printed = corruptVectors(vectors.print(textsOfModel(call.texts, defect), mode), defect);
  const tail = `,"total_tokens":${call.tokens},"base_resp":{"status_code":0,"status_msg":"success"}}`;
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: [HEAD, ...joinArray(printed), Buffer.from(tail)],
  };
}

const HEAD = Buffer.from('{"vectors":');
