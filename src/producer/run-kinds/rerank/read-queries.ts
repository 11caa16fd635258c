import { createHash } from "node:crypto";
import * as z from "zod";
import { InputError } from "#src/core/failures/errors.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { hasUnpairedSurrogate, parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";
import { listSources } from "#src/producer/input/list-sources.ts";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { catchUnreadable, readSource, readTextBytes } from "#src/producer/input/read-source.ts";
import { type Finding, formatLocation, type SourceDocument, type SourceOptions } from "#src/producer/input/source.ts";
import { fingerprintListing } from "#src/producer/plan/fingerprint-sources.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { type PlanHooks, planWithReader } from "#src/producer/plan/plan-items.ts";
import type { ModelData, RerankRequest } from "#src/providers/provider.ts";
import { DEFAULT_MAX_DOCUMENTS } from "#src/providers/rerank/profiles.ts";

/** The input of a rerank run. */
export interface RerankSource
  extends Omit<SourceOptions, "paths" | "metadataFields" | "chunk" | "maxTokens" | "tokenizerModel"> {
  /** A file of queries, or `-` for stdin. */
  readonly queries: string;
  /** Files and folders with the documents for every query; empty if the queries have their own. */
  readonly documents: readonly string[];
  readonly provider: string;
  readonly model: ModelData;
}

/** A request with the ids of its documents, if they have any: the text of an item, as JSON. */
export interface RerankItem extends RerankRequest {
  readonly ids?: readonly (string | null | undefined)[] | undefined;
}

interface RankedText {
  readonly id?: string | undefined;
  readonly text: string;
}

/** Must be increased when the same files would be planned differently than before. */
const PLANNING_VERSION = 1;

/** Tokens of a query and a document from which on the document counts several times in a search unit. */
const SEARCH_UNIT_TOKENS = 500;

const text = z.string().refine((value) => value.trim() !== "", "is empty");
const id = z.union([z.string().min(1), z.int().transform(String)]);
const queryLine = z.object({
  id: id.optional(),
  query: text,
  documents: z
    .array(z.union([text.transform((value) => ({ text: value })), z.object({ id: id.optional(), text })]))
    .min(1)
    .optional(),
});

/**
 * Reads the documents, then the queries, and writes one item per query and group of documents to a run database in `dir`.
 * Groups have as many documents as a call takes. Refuses input as `planItems` does.
 */
export async function planRerank(source: RerankSource, dir: string, hooks: PlanHooks = {}): Promise<Plan> {
  const options = sourceOptions(source);
  const queryFile = await requireQueryFile(source);
  const shared: RankedText[] = [];
  return await planWithReader(
    {
      fingerprint: (listing) => combineFingerprint(fingerprintListing(options, listing), source),
      read: (file, tap) =>
        file.path === queryFile
          ? catchUnreadable(file, () =>
              readQueries(readTextBytes(file, options, tap), file.displayPath, source, shared),
            )
          : collectDocuments(readSource(file, { ...options, metadataFields: [] }, tap), shared),
    },
    { ...options, limitUnit: "documents", duplicateKey: (item) => item.text },
    dir,
    hooks,
  );
}

/** The fingerprint that `planRerank` would compute, without reading the files. */
export async function fingerprintRerank(source: RerankSource): Promise<string> {
  const options = sourceOptions(source);
  return combineFingerprint(fingerprintListing(options, await listSources(options)), source);
}

function combineFingerprint(fingerprint: string, { provider, model, documents }: RerankSource): string {
  return createHash("sha256")
    .update(JSON.stringify([PLANNING_VERSION, fingerprint, provider, model.name, documents.length > 0]))
    .digest("hex");
}

/** Documents come first, because queries become items with all of them. */
function sourceOptions({ queries, documents, provider, model, ...options }: RerankSource): SourceOptions {
  return { ...options, paths: [...documents, queries], chunk: undefined };
}

async function requireQueryFile({ queries, documents, cwd, exclude }: RerankSource): Promise<string> {
  const { files, problems } = await listSources({ paths: [queries], cwd, exclude });
  const [file] = files;
  if (problems.length === 0 && files.length !== 1)
    throw new InputError("expected one file of queries, or - for stdin", queries);
  const listing = await listSources({ paths: documents, cwd, exclude });
  if (listing.files.some(({ path }) => path === file?.path))
    throw new InputError("the file of queries is also one of the documents", queries);
  return file?.path ?? "";
}

async function* collectDocuments(
  findings: AsyncIterable<readonly Finding[]>,
  shared: RankedText[],
): AsyncGenerator<readonly Finding[]> {
  for await (const group of findings) {
    for (const finding of group)
      if ("document" in finding) shared.push({ id: finding.document.id, text: finding.document.text });
    yield group.filter((finding) => !("document" in finding));
  }
}

async function* readQueries(
  bytes: AsyncIterable<Buffer>,
  displayPath: string,
  source: RerankSource,
  shared: readonly RankedText[],
): AsyncGenerator<readonly Finding[]> {
  for await (const lines of readLines(bytes)) {
    // One by one, because a query has a copy of all documents.
    for (const line of lines) {
      const found = readQuery(line, source, shared);
      if (typeof found === "string")
        yield [{ problem: { where: formatLocation(displayPath, line.number), message: found } }];
      else if (found) yield [{ document: found }];
    }
  }
}

/** The query as a document, or why it is invalid; undefined for a blank line. */
function readQuery(
  line: Line,
  source: RerankSource,
  shared: readonly RankedText[],
): SourceDocument | string | undefined {
  const json = parseJsonLine(line);
  if (json === undefined) return undefined;
  if ("error" in json) return json.error;
  const { data, error } = queryLine.safeParse(json.value);
  if (!data) return describeIssue(error);
  if (hasUnpairedSurrogate(line, json.value)) return INPUT_PROBLEMS.surrogateInLine;
  const isShared = source.documents.length > 0;
  if (isShared && data.documents) return '"documents" is not accepted together with --documents';
  const documents = isShared ? shared : data.documents;
  if (!documents?.length)
    return isShared ? "there are no documents to rank" : '"documents" is missing; or use --documents';
  const { maxInputs = DEFAULT_MAX_DOCUMENTS, documentsPerSearchUnit } = source.model;
  const parts: string[] = [];
  const partTokens: number[] = [];
  for (let at = 0; at < documents.length; at += maxInputs) {
    const group = documents.slice(at, at + maxInputs);
    parts.push(JSON.stringify(toItem(data.query, group)));
    partTokens.push(estimateBilling(data.query, group, documentsPerSearchUnit));
  }
  const { id: queryId = String(line.number) } = data;
  return {
    ...{ id: queryId, record: true, line: line.number, text: parts[0] ?? "", parts, partTokens },
    metadata: { parts: parts.length },
  };
}

function toItem(query: string, group: readonly RankedText[]): RerankItem {
  const ids = group.some((document) => document.id !== undefined) ? group.map((document) => document.id) : undefined;
  return { query, documents: group.map((document) => document.text), ids };
}

/** Search units, or the tokens that a model reads: the query once per document. */
function estimateBilling(query: string, group: readonly RankedText[], perSearchUnit: number | undefined): number {
  const queryTokens = estimateTokens(query);
  const sizes = group.map((document) => queryTokens + estimateTokens(document.text));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  if (perSearchUnit === undefined) return sum(sizes);
  return Math.ceil(sum(sizes.map((size) => Math.ceil(size / SEARCH_UNIT_TOKENS))) / perSearchUnit);
}

function describeIssue({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.join(".") || "the line";
  return `"${path}" ${issue?.message === "is empty" ? "is empty" : "is missing or has the wrong form"}`;
}
