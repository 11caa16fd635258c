import { createReadStream } from "node:fs";
import type { ModelDirectory } from "#src/api/models/model-directory.ts";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { toOpenaiLine } from "#src/producer/openai-batch/lines/openai-line.ts";
import { isObject, readText } from "#src/providers/json-value.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import { allowsModel } from "#src/state/api-keys/api-key.ts";
import type { BatchProblem } from "./batch-object.ts";

export interface ForbiddenModelDeps {
  readonly registry: ProviderRegistry;
  readonly models: ModelDirectory;
}

/** The first request of a batch file for a model that the key of the batch may not use. Other mistakes are found later. */
export async function findForbiddenModel(
  path: string,
  allowed: readonly string[],
  { registry, models }: ForbiddenModelDeps,
): Promise<BatchProblem | undefined> {
  const known = new Map<string, boolean>();
  for await (const lines of readLines(createReadStream(path))) {
    for (const line of lines) {
      const model = "text" in line ? readModel(line.text, registry) : undefined;
      if (model === undefined) continue;
      const isAllowed = known.get(model) ?? (await isModelAllowed(model, allowed, models));
      known.set(model, isAllowed);
      if (isAllowed) continue;
      const message = `The key of this batch may not use the model ${JSON.stringify(model.slice(0, 200))}.`;
      return { code: "model_not_allowed", message, param: "body.model", line: line.number };
    }
  }
  return undefined;
}

async function isModelAllowed(name: string, allowed: readonly string[], models: ModelDirectory): Promise<boolean> {
  const found = await models.get(name).catch(() => undefined);
  return allowsModel({ models: [...allowed] }, found?.fullName ?? name);
}

function readModel(text: string, registry: ProviderRegistry): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const body = isObject(value) ? toOpenaiLine(value, registry)?.line.body : undefined;
    return isObject(body) ? readText(body, "model") : undefined;
  } catch {
    return undefined;
  }
}
