import { endianness } from "node:os";
import { ProviderError } from "#src/core/errors.ts";
import { checkVectors } from "#src/providers/check-vectors.ts";
import { parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { EmbeddingPurpose, EmbeddingResponse } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { classifySparkResponse, createSparkCodeError, findSparkCode, readSid } from "./classify-error.ts";
import { SPARK_NAME, type SparkEmbeddingService } from "./profile.ts";

/** The text of `payload.messages`: a conversation of one message, as base64 of its JSON. */
export function encodeText(text: string): string {
  return Buffer.from(JSON.stringify({ messages: [{ content: text, role: "user" }] })).toString("base64");
}

/** The JSON body of an embedding call; `purpose` decides the domain where the service has one. */
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
        ...(domain !== undefined && { domain }),
        feature: { encoding: "utf8", compress: "raw", format: "plain" },
      },
    },
    payload: {
      messages: { encoding: "utf8", compress: "raw", format: "json", status: 3, text: encodeText(text) },
    },
  });
}

/**
 * Turns an HTTP answer into one vector, or throws the ProviderError it stands for. An answer counts as a success only
 * when it holds `dimensions` finite values, not all zero. `now` dates Retry-After and measures the clock.
 */
export function decodeSparkEmbedding(response: HttpResponse, dimensions: number, now: number): EmbeddingResponse {
  if (response.status !== 200) throw classifySparkResponse(response, now);
  const body = parseObject(response.body.toString("utf8"));
  const code = body && findSparkCode(body);
  if (code === undefined) throw classifySparkResponse(response, now);
  const sid = readSid(readField(readObject(body, "header"), "sid"));
  if (code !== 0) throw createSparkCodeError(code, { status: 200, requestId: sid });
  const details = { provider: SPARK_NAME, status: 200, ...(sid !== undefined && { requestId: sid }) };
  const text = readText(readObject(readObject(body, "payload"), "feature"), "text");
  const values = text === undefined ? undefined : decodeFloats(text);
  if (!values)
    throw new ProviderError("the answer reports success but holds no vector in base64", {
      ...details,
      kind: "bad-response",
    });
  checkVectors({ values, rows: 1, columns: values.length }, { count: 1, dimensions }, details);
  return {
    vectors: values,
    dimensions: values.length,
    usage: {},
    ...(sid !== undefined && { requestId: sid }),
  };
}

/** Little-endian float32 in base64, written straight into the array's memory; undefined when it is none. */
export function decodeFloats(text: string): Float32Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = (text.length / 4) * 3 - padding;
  if (text === "" || bytes % Float32Array.BYTES_PER_ELEMENT !== 0) return undefined;
  const values = new Float32Array(bytes / Float32Array.BYTES_PER_ELEMENT);
  const memory = Buffer.from(values.buffer);
  // The decoder leaves out what is no base64, so that too few bytes tell.
  if (memory.write(text, "base64") !== bytes) return undefined;
  if (endianness() === "BE") memory.swap32();
  return values;
}
