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
import { errorCode, ProviderError } from "#src/core/failures/errors.ts";
import type { HttpResponse, ResponseHead } from "./transport.ts";

const DECODERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/**
 * The response with a decompressed body. Requests ask for no compression; a body that is compressed anyway is inflated up
 * to exactly `maxBytes`, since 200 KB of gzip can contain 200 MB. Throws `bad-response` otherwise.
 */
export async function inflateBody(response: HttpResponse, provider: string, maxBytes: number): Promise<HttpResponse> {
  const encoding = response.headers["content-encoding"];
  if (encoding === undefined || response.body.length === 0) return response;
  const name = String(encoding).trim().toLowerCase();
  if (name === "identity" || name === "") return response;
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  const badResponseError = (message: string, cause?: unknown) =>
    new ProviderError(message, { kind: "bad-response", provider, status: response.status, cause });
  if (!decode) throw badResponseError("the response has an unknown content encoding that was not requested");
  try {
    const body = await decode(response.body, { maxOutputLength: maxBytes });
    return { ...response, body };
  } catch (error) {
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw badResponseError(`the response is larger than ${maxBytes} bytes when decompressed`, error);
    throw badResponseError(`the response is declared as ${name} but cannot be decompressed`, error);
  }
}

const STREAM_DECODERS = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** The same for a streamed body: received bytes are inflated without waiting for more. Throws `bad-response`. */
export function inflateChunks(
  chunks: AsyncIterable<Buffer>,
  head: ResponseHead,
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
    throw badResponseError("the response has an unknown content encoding that was not requested");
  const inflater = STREAM_DECODERS[name as keyof typeof STREAM_DECODERS]();
  // Errors of both streams are thrown by the iteration below.
  const piped = pipeline(chunks, inflater).catch(() => undefined);
  let bytes = 0;
  try {
    for await (const piece of inflater as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw badResponseError(`the response is larger than ${maxBytes} bytes when decompressed`);
      yield piece;
    }
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw badResponseError(`the response is declared as ${name} but cannot be decompressed`, error);
  } finally {
    inflater.destroy();
    await piped;
  }
}
