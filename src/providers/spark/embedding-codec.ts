import { ProviderError } from "#src/core/failures/errors.ts";
import { parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { EmbeddingPurpose, EmbeddingResponse } from "#src/providers/provider.ts";
import { readProviderText } from "#src/providers/response-body.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { countBase64Floats, writeBase64Floats } from "#src/providers/vectors/base64-floats.ts";
import { checkVectors } from "#src/providers/vectors/check-vectors.ts";
import { classifySparkResponse, createSparkCodeError, findSparkCode, readSid } from "./classify-error.ts";
import { SPARK_NAME, type SparkEmbeddingService } from "./profile.ts";

/** The text of `payload.messages`: the JSON of a conversation with one message, in base64. */
export function encodeText(text: string): string {
  return Buffer.from(JSON.stringify({ messages: [{ content: text, role: "user" }] })).toString("base64");
}

/** The JSON body of an embedding call. `purpose` selects the domain, if the service has domains. */
export function encodeSparkEmbedding(
  service: SparkEmbeddingService,
  text: string,
  purpose: EmbeddingPurpose,
  caller: { readonly appId: string; readonly uid: string },
): string {
  const domain = service.domains?.[purpose];
  return JSON.stringify({
    header: { app_id: caller.appId, uid: caller.uid, status: 3 },
    parameter: {
      emb: {
        domain,
        feature: { encoding: "utf8", compress: "raw", format: "plain" },
      },
    },
    payload: {
      messages: { encoding: "utf8", compress: "raw", format: "json", status: 3, text: encodeText(text) },
    },
  });
}

/**
 * Decodes a response into one vector, or throws its ProviderError. Only a vector of `dimensions` finite values, not all
 * zero, counts as a success. `now` (epoch ms) is needed for Retry-After dates and the clock skew.
 */
export function decodeSparkEmbedding(response: HttpResponse, dimensions: number, now: number): EmbeddingResponse {
  if (response.status !== 200) throw classifySparkResponse(response, now);
  const body = parseObject(response.body.toString("utf8"));
  const code = body && findSparkCode(body);
  if (code === undefined) throw classifySparkResponse(response, now);
  const sid = readSid(readField(readObject(body, "header"), "sid"));
  if (code !== 0) throw createSparkCodeError(code, { ...readProviderText(body), status: 200, requestId: sid });
  const details = { provider: SPARK_NAME, status: 200, requestId: sid };
  const text = readText(readObject(readObject(body, "payload"), "feature"), "text");
  const values = text === undefined ? undefined : decodeFloats(text);
  if (!values)
    throw new ProviderError("the response reports success but contains no vector in base64", {
      ...details,
      kind: "bad-response",
    });
  checkVectors({ values, rows: 1, columns: values.length }, { count: 1, dimensions }, details);
  return {
    vectors: values,
    dimensions: values.length,
    usage: {},
    requestId: sid,
  };
}

/** Decodes little-endian float32 from base64; undefined when the text is empty, invalid or truncated. */
export function decodeFloats(text: string): Float32Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const values = new Float32Array(countBase64Floats(text) ?? 0);
  return values.length > 0 && writeBase64Floats(text, values) ? values : undefined;
}
