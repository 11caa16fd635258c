import { ProviderError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { isObject, type JsonObject, parseJson, readCount, readField, readObject } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import type { RerankRequest, RerankResponse, RerankResult } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";

/** The differences between the rerank protocols. */
export interface RerankDialect {
  readonly provider: string;
  /** `tei`: `texts` and a list of `score`. `shared`: `documents` and `results`, as Cohere, Jina, and vLLM have them. */
  readonly form: "shared" | "tei";
  /** Constant fields of the body. */
  readonly fields?: JsonObject;
  classify(response: HttpResponse, now: number): ProviderError;
}

/** The JSON body of a call. All documents are ranked, because the best of several calls can only be chosen together. */
export function encodeRerank(
  model: string,
  { query, documents }: RerankRequest,
  { provider, form, fields }: RerankDialect,
  maxDocuments: number,
): string {
  if (documents.length === 0 || documents.length > maxDocuments) {
    const message = `a rerank call takes 1 to ${maxDocuments} documents, not ${documents.length}`;
    throw invalidRequestError(provider, message);
  }
  return JSON.stringify(
    form === "tei" ? { query, texts: documents, ...fields } : { model, query, documents, ...fields },
  );
}

/**
 * Decodes a response, or throws its ProviderError. An answer needs exactly one score for each of `count` documents, so that no
 * incomplete body is a success. `now` (epoch ms) is needed for Retry-After dates.
 */
export function decodeRerank(
  response: HttpResponse,
  count: number,
  now: number,
  { provider, form, classify }: RerankDialect,
): RerankResponse {
  const parsed = response.status === 200 ? parseJson(response.body.toString("utf8")) : undefined;
  const list = form === "tei" ? parsed : readField(parsed, "results");
  if (!Array.isArray(list)) throw classify(response, now);
  const results = list.map(readResult).filter((result) => result !== undefined);
  const indexes = new Set(results.map(({ index }) => index));
  if (indexes.size !== count || list.length !== count || results.some(({ index }) => index >= count)) {
    throw new ProviderError(`the response does not have one score for each of ${count} documents`, {
      kind: "bad-response",
      provider,
      status: 200,
    });
  }
  const { results: _, ...extra } = isObject(parsed) ? parsed : {};
  return omitUndefined({
    results: results.sort((a, b) => b.score - a.score || a.index - b.index),
    usage: omitUndefined({ totalTokens: readBilledUnits(extra, response) }),
    requestId: findRequestId(response.headers),
    extra: Object.keys(extra).length > 0 ? extra : undefined,
  });
}

/** Further fields are kept, except the document, which the input has. */
function readResult(value: unknown): RerankResult | undefined {
  const index = readCount(value, "index");
  if (!isObject(value) || index === undefined) return undefined;
  const { index: _, relevance_score: relevance, score = relevance, document: __, text: ___, ...extra } = value;
  if (typeof score !== "number" || !Number.isFinite(score)) return undefined;
  return omitUndefined({ index, score, extra: Object.keys(extra).length > 0 ? extra : undefined });
}

/** Search units (Cohere) or tokens. TEI counts tokens in a header. */
function readBilledUnits(body: JsonObject, { headers }: HttpResponse): number | undefined {
  const searchUnits = readCount(readObject(readObject(body, "meta"), "billed_units"), "search_units");
  const header = Number(headers["x-compute-tokens"] ?? Number.NaN);
  const counted = Number.isSafeInteger(header) && header >= 0 ? header : undefined;
  return searchUnits ?? readCount(readObject(body, "usage"), "total_tokens") ?? counted;
}
