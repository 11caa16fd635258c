import { randomBytes } from "node:crypto";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { SimulatedVectorStore, VectorMode } from "#src/simulator/answers/vector-store.ts";
import type { LimitName } from "#src/simulator/server/account.ts";
import {
  type AcceptedCall,
  asObject,
  type Endpoint,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import type { VectorDefect } from "#src/simulator/server/faults.ts";
import { findSignatureProblem, type SparkKeys } from "./verify-signature.ts";

export interface SparkEmbeddingOptions extends SparkKeys {
  readonly appId: string;
  readonly prefix: string;
  readonly stripsPrefix: boolean;
  readonly now: () => number;
}

const DIMENSIONS = 2560;
const MAX_TOKENS = 2048;

const THROTTLES: Readonly<Record<LimitName, { code: number; message: string }>> = {
  requests: { code: 11202, message: "licc limit: AppIdQpsOverFlowError" },
  tokens: { code: 11201, message: "licc limit: daily volume exceeded" },
  concurrency: { code: 11203, message: "licc limit: AppIdConcurrencyOverFlowError" },
};

/** The older embedding service, whose `domain` is "para" or "query", and the two paths of the newer one. */
export function createSparkEmbeddingEndpoints(
  options: SparkEmbeddingOptions,
  vectors: SimulatedVectorStore,
): readonly Endpoint[] {
  return [
    createEndpoint("/", true, options, vectors),
    createEndpoint("/v1/private/sa8a05c27", false, options, vectors),
    createEndpoint("/v1/private/s50d55a16", false, options, vectors),
  ];
}

function createEndpoint(
  own: string,
  hasDomain: boolean,
  options: SparkEmbeddingOptions,
  vectors: SimulatedVectorStore,
): Endpoint {
  const path = `${options.prefix}${own}`;
  return {
    path,
    check: (call) => checkCall(call, options.stripsPrefix ? own : path, hasDomain, options),
    throttle: (limit) => errorResponse(THROTTLES[limit].code, THROTTLES[limit].message),
    fail: (code, message) => errorResponse(code, message ?? "simulated failure"),
    succeed: (call, mode, defect) => succeed(vectors, call, mode, defect),
  };
}

function checkCall(
  call: ReceivedCall,
  path: string,
  hasDomain: boolean,
  options: SparkEmbeddingOptions,
): { accepted: AcceptedCall } | { refusal: SimulatedResponse } {
  const { headers, query } = call;
  const signed = { method: "POST", host: headers.host ?? "", path, query };
  const refusal = findSignatureProblem(signed, options, options.now());
  if (refusal) return { refusal: jsonResponse(refusal.status, { message: refusal.message }) };
  const body = parseBody(call.body);
  if (!body) return { refusal: errorResponse(10003, "message format error") };
  const header = asObject(body.header);
  if (header?.status !== 3 || typeof header.app_id !== "string")
    return { refusal: errorResponse(10004, "schema error: header") };
  if (header.app_id !== options.appId) return { refusal: errorResponse(11200, "AppIdNoAuthError") };
  const emb = asObject(asObject(body.parameter)?.emb);
  if (asObject(emb?.feature)?.encoding !== "utf8")
    return { refusal: errorResponse(10163, "schema error: parameter.emb.feature") };
  if (hasDomain && emb?.domain !== "para" && emb?.domain !== "query")
    return { refusal: errorResponse(10163, "parameter schema error: domain must be para or query") };
  const text = readText(asObject(asObject(body.payload)?.messages)?.text);
  if (text === undefined) return { refusal: errorResponse(10163, "payload schema error: messages.text") };
  const tokens = countTokens(text);
  if (tokens > MAX_TOKENS) return { refusal: errorResponse(10907, "token count is over the limit") };
  return { accepted: { texts: [text], tokens, model: "spark-embedding", encoding: "base64" } };
}

/** The single text in a base64-encoded conversation. */
function readText(encoded: unknown): string | undefined {
  if (typeof encoded !== "string") return undefined;
  const messages = parseBody(Buffer.from(encoded, "base64"))?.messages;
  if (!Array.isArray(messages) || messages.length !== 1) return undefined;
  const { content, role } = asObject(messages[0]) ?? {};
  return role === "user" && typeof content === "string" && content !== "" ? content : undefined;
}

function errorResponse(code: number, message: string): SimulatedResponse {
  return jsonResponse(200, { header: { code, message, sid: newSid() } });
}

function succeed(
  vectors: SimulatedVectorStore,
  call: AcceptedCall,
  mode: VectorMode,
  defect: VectorDefect | undefined,
): SimulatedResponse {
  const [text = ""] = vectors.encode(call.texts, mode, DIMENSIONS);
  return jsonResponse(200, {
    header: { code: 0, message: "success", sid: newSid(), status: 2 },
    payload: {
      feature: { encoding: "utf8", compress: "raw", format: "plain", text: corruptVector(text, defect) },
    },
  });
}

/** An invalid vector; defects that need several vectors (reordered, ragged) make it too short. */
function corruptVector(text: string, defect: VectorDefect | undefined): string | null {
  const bytes = Buffer.from(text, "base64");
  switch (defect) {
    case undefined:
      return text;
    case "missing":
      return "";
    case "null":
      return null;
    case "extra":
      return Buffer.concat([bytes, bytes]).toString("base64");
    case "zero":
      return bytes.fill(0).toString("base64");
    case "nan":
      bytes.writeFloatLE(Number.NaN, 0);
      return bytes.toString("base64");
    case "huge":
      bytes.writeFloatLE(Number.POSITIVE_INFINITY, 0);
      return bytes.toString("base64");
    default:
      return bytes.subarray(4).toString("base64");
  }
}

function newSid(): string {
  return `ase000${randomBytes(5).toString("hex")}@dx18simulated`;
}
