import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { errorCode, ProviderError } from "../../core/errors.ts";
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
export async function inflateBody(
  response: HttpResponse,
  provider: string,
  maxBytes: number,
): Promise<HttpResponse> {
  const encoding = response.headers["content-encoding"];
  if (encoding === undefined || response.body.length === 0) return response;
  const name = String(encoding).trim().toLowerCase();
  if (name === "identity" || name === "") return response;
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined;
  const refuse = (message: string, cause?: unknown) =>
    new ProviderError(message, { kind: "bad-response", provider, status: response.status, cause });
  if (!decode) throw refuse("the answer uses a content encoding that was not asked for and is not known");
  try {
    const body = await decode(response.body, { maxOutputLength: maxBytes });
    return { ...response, body };
  } catch (error) {
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw refuse(`the answer is larger than ${maxBytes} bytes once decompressed`, error);
    throw refuse(`the answer says it is ${name} but cannot be decompressed`, error);
  }
}
