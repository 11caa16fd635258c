import { isObject } from "#src/providers/json-value.ts";
import type { ChatRequest, ModelData } from "#src/providers/provider.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";
import { chatRequestSchema } from "#src/queues/payload.ts";
import { readChatRequest } from "./requests/read-chat-request.ts";
import { type EmbeddingBody, readEmbeddingRequest } from "./requests/read-embedding-request.ts";
import { describeValue } from "./requests/read-fields.ts";

export const ENDPOINTS = ["/v1/chat/completions", "/v1/embeddings"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** One request of a batch file, ready to be planned. */
export type BatchRequest = { readonly customId: string; readonly model: KnownModel } & (
  | { readonly endpoint: "/v1/chat/completions"; readonly chat: ChatRequest }
  | { readonly endpoint: "/v1/embeddings"; readonly embedding: EmbeddingBody }
);

export interface KnownModel {
  /** "provider/model" */
  readonly name: string;
  readonly data: ModelData;
}

const MAX_ID_CHARACTERS = 512;
const FIELDS = new Set(["custom_id", "method", "url", "body"]);

/** Reads lines of OpenAI's batch format, one after another; remembers only the models it has found. */
export class BatchRequestReader {
  /** "provider/model" for all requests, or a provider for those that name only a model. */
  readonly #requestedModel: string | undefined;
  readonly #registry: ProviderRegistry;
  readonly #models = new Map<string, KnownModel>();

  /** Throws UnknownModelError for a model or provider that is not known. */
  constructor(requestedModel: string | undefined, registry: ProviderRegistry) {
    this.#registry = registry;
    this.#requestedModel = requestedModel;
    if (requestedModel === undefined) return;
    if (requestedModel.includes("/")) registry.findModel(requestedModel);
    else registry.findProvider(requestedModel);
  }

  /** The request that a parsed line is, or everything that is wrong with it, in one sentence without any of its text. */
  read(line: unknown): BatchRequest | string {
    if (!isObject(line)) return `expected an object with custom_id, method, url and body, got ${describeValue(line)}`;
    const { custom_id: customId, method, url, body } = line;
    const problems = [
      ...idProblems(customId),
      ...(method === "POST" ? [] : [`"method" must be "POST"`]),
      ...(isEndpoint(url) ? [] : [`"url" must be ${ENDPOINTS.join(" or ")}`]),
      ...(isObject(body)
        ? []
        : [`"body" must be an object, ${body === undefined ? "and is missing" : `not ${describeValue(body)}`}`]),
      ...Object.keys(line)
        .filter((name) => !FIELDS.has(name))
        .map((name) => `"${name.slice(0, 80)}" is no field of a request`),
    ];
    if (!isEndpoint(url) || !isObject(body) || typeof customId !== "string") return problems.join("; ");
    const read = url === "/v1/embeddings" ? readEmbeddingRequest(body) : readChatRequest(body);
    if ("problems" in read) return [...problems, ...read.problems].join("; ");
    const model = this.#findModel(read.model, url);
    if (typeof model === "string" || problems.length > 0)
      return [...problems, ...(typeof model === "string" ? [model] : [])].join("; ");
    if (!("request" in read)) return { customId, endpoint: "/v1/embeddings", model, embedding: read };
    const shape = chatRequestSchema.safeParse(read.request);
    if (!shape.success) return `the body cannot be used: ${shape.error.issues[0]?.path.map(String).join(".")}`;
    return { customId, endpoint: "/v1/chat/completions", model, chat: read.request };
  }

  /** The model a request is for, or why there is none. */
  #findModel(named: string | undefined, endpoint: Endpoint): KnownModel | string {
    const requestedModel = this.#requestedModel;
    const name = requestedModel?.includes("/")
      ? requestedModel
      : named === undefined || named.includes("/") || requestedModel === undefined
        ? named
        : `${requestedModel}/${named}`;
    if (name === undefined) return 'no model: neither the body\'s "model" nor --model names one';
    const kind = endpoint === "/v1/embeddings" ? "embedding" : "chat";
    const found = this.#models.get(`${kind} ${name}`) ?? this.#lookUp(name, kind);
    if (typeof found === "string") return found;
    if (found.data.kind === kind) return found;
    return `${name} is a model for ${found.data.kind}, and ${endpoint} needs one for ${kind}`;
  }

  #lookUp(name: string, kind: ModelData["kind"]): KnownModel | string {
    try {
      const { provider, model } = this.#registry.findModel(name, kind);
      const known = { name: `${provider}/${model.name}`, data: model };
      this.#models.set(`${kind} ${name}`, known);
      return known;
    } catch (error) {
      if (!(error instanceof UnknownModelError)) throw error;
      const { suggestions } = error;
      const hint = suggestions.length > 0 ? `did you mean ${suggestions.join(" or ")}?` : '"sluice models" lists them';
      return `${JSON.stringify(name.slice(0, 200))} is not a known model; ${hint}`;
    }
  }
}

function isEndpoint(url: unknown): url is Endpoint {
  return ENDPOINTS.some((endpoint) => endpoint === url);
}

function idProblems(id: unknown): string[] {
  if (id === undefined || id === null) return ['"custom_id" is missing'];
  if (typeof id !== "string") return [`"custom_id" must be a string, not ${describeValue(id)}`];
  if (id === "") return ['"custom_id" is empty'];
  if (!id.isWellFormed() || id.includes("\u0000")) return ['"custom_id" holds what is no character'];
  if (id.length <= MAX_ID_CHARACTERS) return [];
  return [`"custom_id" has ${id.length} characters; at most ${MAX_ID_CHARACTERS} are taken`];
}
