// Shared code of the embedding contenders. The parameters are JSON in argv.

export interface ContenderParams {
  readonly texts: number;
  /** Calls in flight; 0 means the library's default. */
  readonly concurrency: number;
  /** Base URL of the endpoint. */
  readonly url: string;
  readonly apiKey: string;
  /** Newline-separated JSON file of `{ id, text }`. */
  readonly corpus: string;
}

export interface ContenderResult {
  readonly vectors: number;
  readonly dimensions: number;
}

/** Runs `embed` once, then exits the process. Throws if the number or the length of the vectors is wrong. */
export async function runContender(
  embed: (texts: readonly string[], params: ContenderParams) => Promise<ContenderResult>,
): Promise<void> {
  const params = JSON.parse(process.argv[2] ?? "{}") as ContenderParams;
  const result = await embed(await readTexts(params), params);
  if (result.vectors !== params.texts || result.dimensions !== 1536) {
    throw new Error(`expected ${params.texts} vectors of 1536 floats, got ${JSON.stringify(result)}`);
  }
  process.exit(0);
}

async function readTexts({ corpus, texts }: ContenderParams): Promise<string[]> {
  const { readFile } = await import("node:fs/promises");
  const lines = (await readFile(corpus, "utf8")).trimEnd().split("\n").slice(0, texts);
  return lines.map((line) => (JSON.parse(line) as { text: string }).text);
}

/** Texts per call. */
export const BATCH = 10;

export function splitIntoBatches(texts: readonly string[]): string[][] {
  const batches: string[][] = [];
  for (let i = 0; i < texts.length; i += BATCH) batches.push(texts.slice(i, i + BATCH));
  return batches;
}
