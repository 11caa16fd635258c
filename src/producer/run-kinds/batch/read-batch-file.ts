import { createHash } from "node:crypto";
import { hasRoundedInteger } from "#src/core/exact-json.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { isDeterministic } from "#src/producer/cache/is-deterministic.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { hasUnpairedSurrogate, parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";
import { listSources } from "#src/producer/input/list-sources.ts";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { catchUnreadable, readTextBytes } from "#src/producer/input/read-source.ts";
import {
  type Finding,
  formatLocation,
  type SourceDocument,
  type SourceFile,
  type SourceOptions,
} from "#src/producer/input/source.ts";
import { type BatchFileRequest, BatchRequestReader } from "#src/producer/openai-batch/batch-request.ts";
import type { BatchEndpoint } from "#src/producer/openai-batch/lines/openai-line.ts";
import { fingerprintListing } from "#src/producer/plan/fingerprint-sources.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { type PlanHooks, planWithReader } from "#src/producer/plan/plan-items.ts";
import type { PlannedItem } from "#src/producer/plan/planned-item.ts";
import type { ChatRequest, ModelData, RequestCheck } from "#src/providers/provider.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { countVectorValues } from "#src/providers/vectors/value-type.ts";

/** The input of a batch run. */
export interface BatchSource extends Pick<SourceOptions, "limit" | "skipInvalid" | "stdin" | "cwd" | "exclude"> {
  /** A file, or `-` for stdin. */
  readonly path: string;
  /** "provider/model" for every request, or a provider that is prefixed to model names without one. */
  readonly model: string | undefined;
  /** The providers and models that requests may name. */
  readonly registry: ProviderRegistry;
  /** Finds what the provider is known to reject; undefined for a model whose adapter cannot be created. */
  readonly checkRequest?: RequestChecker;
}

/** `model` is "provider/model". */
export type RequestChecker = (model: string, request: ChatRequest) => RequestCheck | undefined;

export interface BatchPlan extends Plan {
  /** The endpoint of all requests; undefined if there are none. */
  readonly endpoint: BatchEndpoint | undefined;
  /** "provider/model" of every model that is called, in order of first appearance. */
  readonly models: readonly string[];
  /** Dimensions of all embeddings, if known, and those that the requests specify, if they do. */
  readonly dimensions: number | undefined;
  readonly askedDimensions: number | undefined;
  /** Further fields of all embedding requests. */
  readonly embeddingOptions: Readonly<Record<string, unknown>> | undefined;
  /** Whether the embedding requests have token ids instead of texts. */
  readonly tokenIds: true | undefined;
  /** What is sent differently from the requests; see `RequestCheck.adjusted`. */
  readonly adjustments: readonly string[];
}

/** Must be increased when the same file would be planned differently than before. */
const PLANNING_VERSION = 1;

const ROUNDED = "whole numbers beyond 2^53 are rounded to the nearest double";

/** Metadata of a chat request in the database. Its text is the request as JSON. */
export interface ChatItemMetadata {
  readonly model: string;
}

/**
 * Reads a file of requests once, checks every line, and writes one item per chat request, or per text of an embedding
 * request, to a run database in `dir`. Refuses input as `planItems` does. Throws an UnknownModelError for `--model`.
 */
export async function planBatch(source: BatchSource, dir: string, hooks: PlanHooks = {}): Promise<BatchPlan> {
  const lines = new BatchFileReader(new BatchRequestReader(source.model, source.registry), source.checkRequest);
  const options = sourceOptions(source);
  await requireOneFile(source);
  const plan = await planWithReader(
    {
      read: (file, tap) => catchUnreadable(file, () => lines.read(readTextBytes(file, options, tap), file)),
      fingerprint: (listing) => combineFingerprint(fingerprintListing(options, listing), source),
    },
    {
      ...options,
      limitUnit: "documents",
      duplicateKey: (item) => (lines.endpoint === "/v1/embeddings" ? item.text : createDuplicateKey(item)),
    },
    dir,
    hooks,
  );
  return {
    ...plan,
    endpoint: lines.endpoint,
    models: lines.models,
    adjustments: lines.adjustments,
    ...lines.dimensions,
  };
}

/** The fingerprint that `planBatch` would compute, without reading the file. */
export async function fingerprintBatch(source: BatchSource): Promise<string> {
  const options = sourceOptions(source);
  return combineFingerprint(fingerprintListing(options, await listSources(options)), source);
}

/** Requests with the same key are duplicates: same model and same request, if its answer is deterministic. */
function createDuplicateKey({ text, metadata }: PlannedItem): string | undefined {
  return isDeterministic(text) ? `${metadata?.model}\n${text}` : undefined;
}

function combineFingerprint(fingerprint: string, { model }: BatchSource): string {
  return createHash("sha256")
    .update(JSON.stringify([PLANNING_VERSION, fingerprint, model ?? null]))
    .digest("hex");
}

function sourceOptions({ path, model: _, registry: __, checkRequest: ___, ...rest }: BatchSource): SourceOptions {
  return { ...rest, paths: [path], idField: "custom_id", textField: "body", chunk: undefined };
}

async function requireOneFile(source: BatchSource): Promise<void> {
  const { files, problems } = await listSources(sourceOptions(source));
  if (problems.length === 0 && files.length !== 1)
    throw new InputError("expected one file of requests, or - for stdin", source.path);
}

/** The fields of a plan without embeddings. */
export const NO_EMBEDDINGS = {
  dimensions: undefined,
  askedDimensions: undefined,
  embeddingOptions: undefined,
  tokenIds: undefined,
};

/** Turns the lines of a file into documents, each with the items of one request. */
class BatchFileReader {
  readonly #reader: BatchRequestReader;
  readonly #checkRequest: RequestChecker | undefined;
  readonly #models = new Set<string>();
  readonly #adjustments = new Set<string>();
  /** The first request of the file, which the others must match, and its line. */
  #first: { readonly request: BatchFileRequest; readonly line: number } | undefined;

  constructor(reader: BatchRequestReader, checkRequest: RequestChecker | undefined) {
    this.#reader = reader;
    this.#checkRequest = checkRequest;
  }

  get endpoint(): BatchEndpoint | undefined {
    return this.#first?.request.endpoint;
  }

  get models(): readonly string[] {
    return [...this.#models];
  }

  get adjustments(): readonly string[] {
    return [...this.#adjustments];
  }

  get dimensions(): Pick<BatchPlan, keyof typeof NO_EMBEDDINGS> {
    const request = this.#first?.request;
    if (request?.endpoint !== "/v1/embeddings") return NO_EMBEDDINGS;
    const { dimensions: requested, options: embeddingOptions, tokenIds } = request.embedding;
    const dimensions = requested ?? request.model.data.dimensions;
    return {
      dimensions: dimensions && countVectorValues(dimensions, embeddingOptions),
      askedDimensions: requested,
      embeddingOptions,
      tokenIds,
    };
  }

  async *read(bytes: AsyncIterable<Buffer>, file: SourceFile): AsyncGenerator<readonly Finding[]> {
    for await (const lines of readLines(bytes)) {
      yield lines.flatMap((line) => this.#findLine(line, file) ?? []);
    }
  }

  #findLine(line: Line, { displayPath }: SourceFile): Finding | undefined {
    const problem = (message: string): Finding => ({
      problem: { where: formatLocation(displayPath, line.number), message },
    });
    const parsed = parseJsonLine(line);
    if (parsed === undefined) return undefined;
    if ("error" in parsed) return problem(parsed.error);
    const request = this.#reader.read(parsed.value);
    if (typeof request !== "string" && hasUnpairedSurrogate(line, parsed.value))
      return problem(INPUT_PROBLEMS.surrogateInLine);
    if (typeof request === "string") return problem(request);
    const conflict = this.#findConflict(request) ?? findModelProblem(request) ?? this.#findRejection(request);
    if (conflict !== undefined) return problem(conflict);
    this.#first ??= { request, line: line.number };
    if ("text" in line && hasRoundedInteger(line.text)) this.#adjustments.add(ROUNDED);
    this.#models.add(request.model.name);
    return { document: toDocument(request, line.number) };
  }

  #findRejection(request: BatchFileRequest): string | undefined {
    if (request.endpoint === "/v1/embeddings") return undefined;
    const { name } = request.model;
    const { rejected = [], adjusted = [] } = this.#checkRequest?.(name, request.chat) ?? {};
    for (const adjustment of adjusted) this.#adjustments.add(adjustment);
    return rejected.length > 0 ? `${name} would reject this request: ${rejected.join("; ")}` : undefined;
  }

  /** All requests of a file have the same endpoint, and all embeddings the same model and dimensions. */
  #findConflict(request: BatchFileRequest): string | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    if (first.request.endpoint !== request.endpoint)
      return `"url" is ${request.endpoint}, but that of line ${first.line} is ${first.request.endpoint}: all requests of a file must have the same url`;
    if (request.endpoint !== "/v1/embeddings" || first.request.endpoint !== "/v1/embeddings") return undefined;
    if (first.request.model.name !== request.model.name)
      return `the model is ${request.model.name}, but that of line ${first.line} is ${first.request.model.name}: all embeddings of a file must use the same model`;
    if (first.request.embedding.dimensions !== request.embedding.dimensions)
      return `"dimensions" differs from that of line ${first.line}: all embeddings of a file must have the same dimensions`;
    if (first.request.embedding.tokenIds !== request.embedding.tokenIds)
      return `"input" ${request.embedding.tokenIds ? "has" : "does not have"} token ids, unlike that of line ${first.line}: all embeddings of a file must have token ids, or none`;
    if (JSON.stringify(first.request.embedding.options) !== JSON.stringify(request.embedding.options))
      return `the fields other than "input" differ from those of line ${first.line}: all embeddings of a file must have the same`;
    return undefined;
  }
}

/** Finds what the model is known to refuse; otherwise the provider would refuse every text separately. */
function findModelProblem(request: BatchFileRequest): string | undefined {
  if (request.endpoint !== "/v1/embeddings") return undefined;
  const { name, data } = request.model;
  const { dimensions, inputs, partTokens } = request.embedding;
  if (dimensions !== undefined && !hasDimensions(data, dimensions))
    return `"dimensions" is ${dimensions}, but ${name} has ${describeDimensions(data)}`;
  const { maxTokens } = data;
  if (maxTokens === undefined) return undefined;
  const sizes = partTokens ?? inputs.map(estimateTokens);
  const at = sizes.findIndex((tokens) => tokens > maxTokens);
  return at < 0
    ? undefined
    : `input ${at} has ${partTokens ? "" : "about "}${sizes[at]} tokens, but ${name} accepts at most ${maxTokens}`;
}

function hasDimensions({ dimensions, dimensionChoices }: ModelData, requested: number): boolean {
  if (Array.isArray(dimensionChoices)) return dimensionChoices.includes(requested);
  if (dimensions === undefined) return true;
  return dimensionChoices === "up-to" ? requested <= dimensions : requested === dimensions;
}

function describeDimensions({ dimensions, dimensionChoices }: ModelData): string {
  if (Array.isArray(dimensionChoices)) return dimensionChoices.join(", ");
  return dimensionChoices === "up-to" ? `at most ${dimensions}` : `${dimensions}`;
}

function toDocument(request: BatchFileRequest, line: number): SourceDocument {
  const common = { id: request.customId, record: true, line };
  if (request.endpoint !== "/v1/embeddings") {
    const metadata: ChatItemMetadata = { model: request.model.name };
    return { ...common, text: JSON.stringify(request.chat), metadata: { ...metadata } };
  }
  const { inputs, encoding, partTokens } = request.embedding;
  return { ...common, text: inputs[0] ?? "", parts: inputs, partTokens, metadata: { parts: inputs.length, encoding } };
}
