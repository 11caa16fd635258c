import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { API_ERRORS, ApiError } from "#src/api/http/api-error.ts";
import { toChatBody } from "#src/api/messages/to-chat-body.ts";
import type { ModelDirectory } from "#src/api/models/model-directory.ts";
import type { JsonObject } from "#src/providers/json-value.ts";

export interface MessageRequest {
  readonly custom_id: string;
  readonly params: JsonObject & { readonly model: string };
}

/**
 * Translates the requests of a batch to lines of a batch file. Throws an ApiError that names the first request that cannot be
 * translated, or whose model is not available.
 */
export async function* translateRequests(
  requests: readonly MessageRequest[],
  models: ModelDirectory,
): AsyncGenerator<string> {
  for (const [index, { custom_id: customId, params }] of requests.entries()) {
    try {
      const { fullName, provider } = await models.find(params.model, "chat");
      const body = { ...toChatBody(params, provider === "anthropic"), model: fullName };
      yield `${JSON.stringify({ custom_id: customId, method: "POST", url: "/v1/chat/completions", body })}\n`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw API_ERRORS.invalidValue(`requests.${index}.params`, `requests.${index}: ${error.message}`);
    }
  }
}

/** Writes lines to a file, durably. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const target = createWriteStream(path, { flush: true });
  try {
    for await (const line of lines) if (!target.write(line)) await once(target, "drain");
  } finally {
    target.end();
    await once(target, "close");
  }
}
