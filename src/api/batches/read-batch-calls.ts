import { createReadStream } from "node:fs";
import type { ExpectedUse } from "#src/api/access/caller.ts";
import { expectChatUse, expectEmbeddingUse } from "#src/api/access/expect-use.ts";
import type { ModelDirectory } from "#src/api/models/model-directory.ts";
import { parseModelName } from "#src/core/model-name.ts";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { toOpenaiLine } from "#src/producer/openai-batch/lines/openai-line.ts";
import { readChatRequest } from "#src/producer/openai-batch/requests/read-chat-request.ts";
import { readEmbeddingRequest } from "#src/producer/openai-batch/requests/read-embedding-request.ts";
import { isObject, type JsonObject, readText } from "#src/providers/json-value.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";

export interface BatchCallDeps {
  readonly registry: ProviderRegistry;
  readonly models: ModelDirectory;
}

/** One request of a batch file. */
export interface BatchCall {
  readonly line: number;
  /** "provider/model", or the name in the file if it has no provider and none is found. */
  readonly model: string;
  /** In OpenAI's format. */
  readonly body: JsonObject;
  readonly isEmbedding: boolean;
}

/** The requests of a batch file that name a model. What is wrong with the others is found when the run is planned. */
export async function* readBatchCalls(path: string, { registry, models }: BatchCallDeps): AsyncGenerator<BatchCall> {
  const fullNames = new Map<string, string>();
  for await (const lines of readLines(createReadStream(path))) {
    for (const line of lines) {
      const parsed = "text" in line ? parseLine(line.text, registry) : undefined;
      if (!parsed) continue;
      const model = fullNames.get(parsed.name) ?? (await findFullName(parsed.name, models));
      fullNames.set(parsed.name, model);
      yield { line: line.number, model, body: parsed.body, isEmbedding: parsed.isEmbedding };
    }
  }
}

/** What the requests of a batch file are expected to need. */
export async function* expectBatchUse(path: string, deps: BatchCallDeps): AsyncGenerator<ExpectedUse> {
  for await (const { model, body, isEmbedding } of readBatchCalls(path, deps)) {
    if (!isKnown(model, deps.registry)) continue;
    if (isEmbedding) {
      const read = readEmbeddingRequest(body);
      if (!("problems" in read)) yield expectEmbeddingUse(model, read);
    } else {
      const read = readChatRequest(body);
      if (!("problems" in read)) yield expectChatUse(model, read.request);
    }
  }
}

function isKnown(model: string, { providers }: ProviderRegistry): boolean {
  const provider = parseModelName(model)?.provider;
  return providers.some(({ name }) => name === provider);
}

async function findFullName(name: string, models: ModelDirectory): Promise<string> {
  return (await models.get(name).catch(() => undefined))?.fullName ?? name;
}

function parseLine(text: string, registry: ProviderRegistry) {
  try {
    const value: unknown = JSON.parse(text);
    const translated = isObject(value) ? toOpenaiLine(value, registry) : undefined;
    const body = translated?.line.body;
    const name = isObject(body) ? readText(body, "model") : undefined;
    if (!isObject(body) || name === undefined) return undefined;
    return { body, name, isEmbedding: translated?.endpoint === "/v1/embeddings" };
  } catch {
    return undefined;
  }
}
