import { createReadStream } from "node:fs";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";
import { type BatchEndpoint, toOpenaiLine } from "#src/producer/openai-batch/lines/openai-line.ts";
import { isObject, readText } from "#src/providers/json-value.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import type { BatchProblem } from "./batch-object.ts";

/** OpenAI's limits of a batch. */
export const MAX_REQUESTS = 50_000;
export const MAX_INPUT_BYTES = 200 * 1024 * 1024;

export interface InputSummary {
  readonly requests: number;
  /** The model of the first request that names one. */
  readonly model: string | undefined;
  /** Why the file as a whole cannot be a batch. Its lines are checked when the run is planned. */
  readonly problems: readonly BatchProblem[];
}

/** Reads a batch file once, in constant memory: its size, and what its first request says about all. */
export async function inspectInput(
  path: string,
  endpoint: BatchEndpoint,
  registry: ProviderRegistry,
): Promise<InputSummary> {
  let requests = 0;
  let first: Line | undefined;
  for await (const lines of readLines(createReadStream(path))) {
    for (const line of lines) {
      if ("text" in line && line.text.trim() === "") continue;
      first ??= line;
      requests += 1;
    }
  }
  if (!first) return { requests, model: undefined, problems: [fileProblem("empty_file", "The file has no requests.")] };
  const problems: BatchProblem[] = [];
  if (requests > MAX_REQUESTS) {
    const message = `The file has ${requests} requests; a batch can have ${MAX_REQUESTS}. Split it.`;
    problems.push(fileProblem("too_many_requests", message));
  }
  const parsed = "text" in first ? parseObject(first.text) : undefined;
  const translated = parsed && toOpenaiLine(parsed, registry);
  const found = translated?.endpoint;
  if (found !== undefined && found !== endpoint) {
    const message = `The batch was created for ${endpoint}, but its requests are for ${found}.`;
    problems.push({ code: "mismatched_endpoint", message, param: "url", line: first.number });
  }
  const body = translated?.line.body;
  return { requests, model: isObject(body) ? readText(body, "model") : undefined, problems };
}

function fileProblem(code: string, message: string): BatchProblem {
  return { code, message, param: null, line: null };
}

function parseObject(text: string) {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
