import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { LimitName } from "#src/simulator/server/account.ts";
import { jsonResponse, type SimulatedResponse } from "#src/simulator/server/endpoint.ts";
import { countRerankTokens, type RankedDocument } from "./rank-documents.ts";

/** A valid call of any protocol. */
export interface RerankCall {
  readonly model: string;
  readonly query: string;
  readonly texts: readonly string[];
  readonly topN?: number | undefined;
  readonly returnsTexts: boolean;
}

/** The differences between the protocols. */
export interface RerankProtocol {
  readonly path: string;
  readonly schema: z.ZodType<RerankCall>;
  /** Why a call is refused whose body has the right shape, and the status. */
  findProblem?(call: RerankCall): readonly [status: number, message: string] | undefined;
  error(status: number, message: string): SimulatedResponse;
  throttle(limit: LimitName): SimulatedResponse;
  answer(call: RerankCall, ranked: readonly RankedDocument[]): SimulatedResponse;
}

const text = z.string().min(1);
const topN = z.int().positive().optional();
const model = z.string().min(1);
const documents = z.array(z.union([text, z.strictObject({ text })])).min(1);
const toText = (document: string | { readonly text: string }) =>
  typeof document === "string" ? document : document.text;

/** Documents of one search unit, and tokens of a document that counts once. */
const SEARCH_UNIT = { documents: 100, tokens: 500 };

/** Documents are strings; the answer never contains them. */
export const COHERE_RERANK: RerankProtocol = {
  path: "/cohere/v2/rerank",
  schema: z
    .strictObject({
      model,
      query: text,
      documents: z.array(text).min(1),
      top_n: topN,
      max_tokens_per_doc: z.int().positive().optional(),
      priority: z.int().min(0).max(999).optional(),
    })
    .transform(({ documents: texts, top_n, ...rest }) => ({ ...rest, texts, topN: top_n, returnsTexts: false })),
  findProblem: ({ model: name, texts }) => {
    if (!/^rerank-/.test(name)) return [404, `model '${name}' not found, make sure the correct model ID was used`];
    return texts.length > 10_000 ? [400, "invalid request: cannot rerank more than 10000 documents"] : undefined;
  },
  error: (status, message) => jsonResponse(status, { id: randomUUID(), message }),
  throttle: () =>
    jsonResponse(429, { message: "You have exceeded the rate limit of your key. Please retry in a minute." }),
  answer: ({ query, texts }, ranked) => {
    const chunks = texts.map((each) => Math.ceil(countRerankTokens(query, [each]) / SEARCH_UNIT.tokens));
    const units = Math.ceil(chunks.reduce((sum, count) => sum + count, 0) / SEARCH_UNIT.documents);
    return jsonResponse(200, {
      id: randomUUID(),
      results: ranked.map(({ index, score }) => ({ index, relevance_score: score })),
      meta: { api_version: { version: "2" }, billed_units: { search_units: units } },
    });
  },
};

export const JINA_RERANK: RerankProtocol = {
  path: "/jina/v1/rerank",
  schema: z
    .strictObject({ model, query: text, documents, top_n: topN, return_documents: z.boolean().default(true) })
    .transform(({ documents: list, top_n, return_documents, ...rest }) => ({
      ...rest,
      ...{ texts: list.map(toText), topN: top_n, returnsTexts: return_documents },
    })),
  findProblem: ({ model: name }) =>
    /^jina-(reranker|colbert)-/.test(name) ? undefined : [422, `Model ${name} is not supported for reranking`],
  error: (status, message) => jsonResponse(status, { detail: message }),
  throttle: () => jsonResponse(429, { detail: "Rate limit exceeded, please try again later" }),
  answer: (call, ranked) =>
    jsonResponse(200, {
      model: call.model,
      object: "list",
      usage: { total_tokens: countRerankTokens(call.query, call.texts) },
      results: withTexts(call, ranked),
    }),
};

/** vLLM accepts Jina's requests, and always returns the documents. */
export const VLLM_RERANK: RerankProtocol = {
  path: "/openai/v1/rerank",
  schema: z
    .strictObject({ model, query: text, documents, top_n: topN, truncate_prompt_tokens: z.int().optional() })
    .transform(({ documents: list, top_n, ...rest }) => ({
      ...rest,
      ...{ texts: list.map(toText), topN: top_n, returnsTexts: true },
    })),
  error: (status, message) =>
    jsonResponse(status, { error: { message, type: "BadRequestError", param: null, code: status } }),
  throttle: (limit) =>
    jsonResponse(429, {
      error: { message: `rate limit reached for ${limit}`, type: "rate_limit_error", code: "rate_limit_exceeded" },
    }),
  answer: (call, ranked) => {
    const tokens = countRerankTokens(call.query, call.texts);
    return jsonResponse(200, {
      id: `rerank-${randomUUID()}`,
      model: call.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: withTexts(call, ranked),
    });
  },
};

const TEI_MAX_TEXTS = 32;

/** The server has one model, which calls do not name. */
export const TEI_RERANK: RerankProtocol = {
  path: "/openai/rerank",
  schema: z
    .strictObject({
      query: text,
      texts: z.array(text).min(1),
      raw_scores: z.boolean().default(false),
      return_text: z.boolean().default(false),
      truncate: z.boolean().default(false),
      truncation_direction: z.enum(["left", "right"]).optional(),
    })
    .transform(({ query, texts, return_text }) => ({ model: "", query, texts, returnsTexts: return_text })),
  findProblem: ({ texts }) =>
    texts.length > TEI_MAX_TEXTS
      ? [422, `batch size ${texts.length} > maximum allowed batch size ${TEI_MAX_TEXTS}`]
      : undefined,
  error: (status, message) =>
    jsonResponse(status, { error: message, error_type: status >= 500 ? "Backend" : "Validation" }),
  throttle: () => jsonResponse(429, { error: "Model is overloaded", error_type: "Overloaded" }),
  answer: ({ query, texts, returnsTexts }, ranked) => {
    const list = ranked.map(({ index, score }) =>
      returnsTexts ? { index, text: texts[index], score } : { index, score },
    );
    const { headers, ...response } = jsonResponse(200, list);
    return {
      ...response,
      headers: { ...headers, "x-compute-tokens": String(countRerankTokens(query, texts)) },
    };
  },
};

function withTexts({ texts, returnsTexts }: RerankCall, ranked: readonly RankedDocument[]) {
  return ranked.map(({ index, score }) =>
    returnsTexts
      ? { index, document: { text: texts[index] }, relevance_score: score }
      : { index, relevance_score: score },
  );
}
