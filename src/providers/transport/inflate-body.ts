import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import {
  brotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  inflate,
  zstdDecompress,
} from "node:zlib";
import { errorCode, ProviderError } from "#src/core/errors.ts";
import type { HttpResponse } from "./transport.ts";

const DECODERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/**
 * The response with a plain body. We ask for no compression; an upstream that compresses anyway is inflated up to
 * `maxBytes` and not one byte further, since 200 KB of gzip can hold 200 MB. Throws `bad-response` otherwise.
 */
export async function inflateBody(response: HttpResponse, provider: string, maxBytes: number): Promise<HttpResponse> {
  const encoding = response.headers["content-encoding"];
  if (encoding === undefined || response.body.length === 0) return response;
  const name = String(encoding).trim().toLowerCase();
  if (name === "identity" || name === "") return response;
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  const badResponseError = (message: string, cause?: unknown) =>
    new ProviderError(message, { kind: "bad-response", provider, status: response.status, cause });
  if (!decode) throw badResponseError("the answer uses a content encoding that was not asked for and is not known");
  try {
    const body = await decode(response.body, { maxOutputLength: maxBytes });
    return { ...response, body };
  } catch (error) {
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw badResponseError(`the answer is larger than ${maxBytes} bytes once decompressed`, error);
    throw badResponseError(`the answer says it is ${name} but cannot be decompressed`, error);
  }
}

const STREAM_DECODERS = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** The same for a body in pieces; what is there is inflated without waiting for more. Throws `bad-response`. */
export function inflateChunks(
  chunks: AsyncIterable<Buffer>,
  head: Pick<HttpResponse, "status" | "headers">,
  provider: string,
  maxBytes: number,
): AsyncIterable<Buffer> {
  const name = String(head.headers["content-encoding"] ?? "")
    .trim()
    .toLowerCase();
  if (name === "identity" || name === "") return chunks;
  const badResponseError = (message: string, cause?: unknown) =>
    new ProviderError(message, { kind: "bad-response", provider, status: head.status, cause });
  return inflateEach(chunks, name, maxBytes, badResponseError);
}

async function* inflateEach(
  chunks: AsyncIterable<Buffer>,
  name: string,
  maxBytes: number,
  badResponseError: (message: string, cause?: unknown) => ProviderError,
): AsyncGenerator<Buffer> {
  if (!Object.hasOwn(STREAM_DECODERS, name))
    throw badResponseError("the answer uses a content encoding that was not asked for and is not known");
  const inflater = STREAM_DECODERS[name as keyof typeof STREAM_DECODERS]();
  // Errors of either side come out of the iteration below.
  const piped = pipeline(chunks, inflater).catch(() => undefined);
  let bytes = 0;
  try {
    for await (const piece of inflater as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw badResponseError(`the answer is larger than ${maxBytes} bytes once decompressed`);
      yield piece;
    }
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw badResponseError(`the answer says it is ${name} but cannot be decompressed`, error);
  } finally {
    inflater.destroy();
    await piped;
  }
}
