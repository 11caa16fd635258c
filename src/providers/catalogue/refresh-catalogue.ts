import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Dispatcher, fetch } from "undici";
import { type Catalogue, formatCatalogue, trimCatalogue } from "./catalogue-format.ts";
import { readShippedCatalogue } from "./read-catalogue.ts";

export interface RefreshOptions {
  /** URL or path of a file in the format of models.dev's `api.json`. */
  readonly source: string;
  /** Path of the refreshed catalogue. */
  readonly target: string;
  /** Providers to keep. */
  readonly names: readonly string[];
  readonly dispatcher: Dispatcher;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Several times the size of models.dev's file. */
const MAX_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** Replaces the refreshed catalogue. Throws an Error with the reason if that fails; the file then stays as it was. */
export async function refreshCatalogue(options: RefreshOptions): Promise<Catalogue> {
  const { source, target, names, now } = options;
  const url = /^https?:/i.test(source) ? URL.parse(source) : null;
  const text = url ? await download(url, options) : await readChunks((await open(source)).createReadStream());
  const catalogue = {
    source: url ? `${url.origin}${url.pathname}` : resolve(source),
    date: new Date(now).toISOString().slice(0, 10),
    license: readShippedCatalogue().license,
    providers: trimCatalogue(text, names),
  };
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}.partial`;
  await writeFile(temporary, formatCatalogue(catalogue));
  await rename(temporary, target);
  return catalogue;
}

async function download(url: URL, { dispatcher, signal }: RefreshOptions): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const response = await fetch(url, { dispatcher, signal: limit });
    if (response.status !== 200) throw new Error(`the answer has status ${response.status}`);
    return await readChunks(response.body ?? []);
  } catch (error) {
    // The cause says what happened; the error itself says only "fetch failed".
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  }
}

async function readChunks(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES / 1024 / 1024} MiB`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}
