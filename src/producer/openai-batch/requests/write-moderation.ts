import type { ChatResponse } from "#src/providers/provider.ts";

/** Converts an answer to the body of OpenAI's moderation: it is what the provider sent. */
export function writeModeration({ extra = {} }: ChatResponse): Record<string, unknown> {
  return extra;
}
