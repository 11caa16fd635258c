import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { ChatRequest, ModelData } from "#src/providers/provider.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";
import { chatRequestSchema } from "#src/queues/payload.ts";
import { type BatchEndpoint, toOpenaiLine } from "./lines/openai-line.ts";
import { FIELD_PROBLEMS, LINE_PROBLEMS } from "./problems.ts";
import { readChatRequest } from "./requests/read-chat-request.ts";
import { type EmbeddingBody, readEmbeddingRequest } from "./requests/read-embedding-request.ts";
import { describeValue } from "./requests/read-fields.ts";

/** One request of a batch file, ready to be planned. */
export type BatchFileRequest = { readonly customId: string; readonly model: KnownModel } & (
  | { readonly endpoint: Exclude<BatchEndpoint, "/v1/embeddings">; readonly chat: ChatRequest }
  | { readonly endpoint: "/v1/embeddings"; readonly embedding: EmbeddingBody }
);

export interface KnownModel {
  /** "provider/model" */
  readonly name: string;
  readonly data: ModelData;
}

const MAX_ID_CHARACTERS = 512;

/** Reads the parsed lines of a file in OpenAI's batch format. Keeps only the models that it has found. */
export class BatchRequestReader {
  readonly #requestedModel: string | undefined;
  readonly #registry: ProviderRegistry;
  readonly #models = new Map<string, KnownModel>();

  /**
   * `requestedModel` is "provider/model" for all requests, or a provider for requests that name only a model. Throws
   * UnknownModelError for an unknown model or provider.
   */
  constructor(requestedModel: string | undefined, registry: ProviderRegistry) {
    this.#registry = registry;
    this.#requestedModel = requestedModel;
    if (requestedModel === undefined) return;
    if (requestedModel.includes("/")) registry.findModel(requestedModel);
    else registry.findProvider(requestedModel);
  }

  /** Returns the request of a line, or all problems of the line in one sentence that quotes none of its text. */
  read(line: unknown): BatchFileRequest | string {
    if (!isObject(line)) return LINE_PROBLEMS.notAnObject(describeValue(line));
    const { line: translated, endpoint, provider, problems: untranslated } = toOpenaiLine(line, this.#registry);
    const { custom_id: customId, body } = translated;
    const problems = [...findProblems(translated), ...untranslated];
    if (endpoint === undefined || !isObject(body) || typeof customId !== "string") return problems.join("; ");
    const read = endpoint === "/v1/embeddings" ? readEmbeddingRequest(body) : readChatRequest(body);
    if ("problems" in read) return [...problems, ...read.problems].join("; ");
    const model = this.#findModel(read.model, endpoint, provider);
    if (typeof model === "string") return [...problems, model].join("; ");
    if (problems.length > 0) return problems.join("; ");
    if (!("request" in read)) {
      const unsupported = findUnsupportedFields(read, model);
      return unsupported.length > 0
        ? unsupported.join("; ")
        : { customId, endpoint: "/v1/embeddings", model, embedding: read };
    }
    const isModeration = endpoint === "/v1/moderations";
    const chat: ChatRequest = isModeration ? { ...read.request, operation: "moderation" } : read.request;
    const { error } = chatRequestSchema.safeParse(chat);
    if (error) return LINE_PROBLEMS.invalidBody(error.issues[0]?.path.map(String).join(".") ?? "");
    return {
      customId,
      endpoint: endpoint === "/v1/embeddings" ? "/v1/chat/completions" : endpoint,
      model,
      chat,
    };
  }

  /** Returns the model of a request, or the problem if there is none. */
  #findModel(named: string | undefined, endpoint: BatchEndpoint, provider: string | undefined): KnownModel | string {
    const name = this.#resolveName(named, provider);
    if (name === undefined) return LINE_PROBLEMS.noModel;
    const kind = endpoint === "/v1/embeddings" ? "embedding" : "chat";
    const found = this.#models.get(`${kind} ${name}`) ?? this.#lookUp(name, kind);
    if (typeof found === "string") return found;
    const { name: providerName, offersModerations } = this.#registry.findProvider(found.name.split("/", 1)[0] ?? "");
    if (endpoint === "/v1/moderations" && !offersModerations)
      return `"url" ${FIELD_PROBLEMS.noModerations(providerName)}`;
    if (found.data.kind === kind) return found;
    return LINE_PROBLEMS.wrongModelKind(name, found.data.kind, endpoint, kind);
  }

  /** `provider` is that of the file's format, for models that are named without one. */
  #resolveName(named: string | undefined, provider: string | undefined): string | undefined {
    const requested = this.#requestedModel ?? provider;
    if (requested?.includes("/")) return requested;
    if (named === undefined || named.includes("/") || requested === undefined) return named;
    return `${requested}/${named}`;
  }

  #lookUp(name: string, kind: ModelData["kind"]): KnownModel | string {
    try {
      const { provider, model } = this.#registry.findModel(name, kind);
      const known = { name: `${provider}/${model.name}`, data: model };
      this.#models.set(`${kind} ${name}`, known);
      return known;
    } catch (error) {
      if (!(error instanceof UnknownModelError)) throw error;
      return LINE_PROBLEMS.unknownModel(name, error.suggestions);
    }
  }
}

function findUnsupportedFields({ options = {}, tokenIds }: EmbeddingBody, { data, name }: KnownModel): string[] {
  const { embeddingFields = [], embeddingChoices = {}, acceptsTokenIds = false } = data;
  const problems = Object.entries(options).flatMap(([field, value]) => {
    const shown = field.slice(0, 80);
    if (embeddingFields !== "any" && !embeddingFields.includes(field))
      return [`"${shown}" ${FIELD_PROBLEMS.unsupported} by ${name}`];
    const choices = Object.hasOwn(embeddingChoices, field) ? embeddingChoices[field] : undefined;
    const isAccepted = choices === undefined || choices.some((choice) => choice === value);
    return isAccepted ? [] : [`"${shown}" ${FIELD_PROBLEMS.notOneOf(choices)}`];
  });
  return tokenIds && !acceptsTokenIds ? [...problems, `"input" ${FIELD_PROBLEMS.noTokenIds(name)}`] : problems;
}

/** Finds the problems of everything but the contents of the body. */
function findProblems({ custom_id: customId, method, url: _, body, ...others }: JsonObject): string[] {
  const problems: string[] = [];
  const idProblem = findIdProblem(customId);
  if (idProblem !== undefined) problems.push(`"custom_id" ${idProblem}`);
  if (method !== "POST") problems.push(`"method" ${FIELD_PROBLEMS.notPost}`);
  if (body === undefined) problems.push(`"body" ${FIELD_PROBLEMS.missingObject}`);
  else if (!isObject(body)) problems.push(`"body" ${FIELD_PROBLEMS.wrongType("an object", describeValue(body))}`);
  for (const name of Object.keys(others)) problems.push(`"${name.slice(0, 80)}" ${FIELD_PROBLEMS.unknown}`);
  return problems;
}

function findIdProblem(id: unknown): string | undefined {
  if (id === undefined || id === null) return FIELD_PROBLEMS.missing;
  if (typeof id !== "string") return FIELD_PROBLEMS.wrongType("a string", describeValue(id));
  if (id === "") return FIELD_PROBLEMS.empty;
  if (!id.isWellFormed() || id.includes("\u0000")) return FIELD_PROBLEMS.invalidCharacters;
  return id.length > MAX_ID_CHARACTERS ? FIELD_PROBLEMS.tooLong(id.length, MAX_ID_CHARACTERS) : undefined;
}
