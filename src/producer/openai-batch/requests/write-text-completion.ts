import type { ChatResponse } from "#src/providers/provider.ts";
import { type CompletionMetadata, writeChatCompletion } from "./write-chat-completion.ts";

/** Converts an answer to the body of OpenAI's text completion. */
export function writeTextCompletion(response: ChatResponse, metadata: CompletionMetadata): Record<string, unknown> {
  const { choices, ...completion } = writeChatCompletion(response, metadata);
  const texts = [response, ...(response.choices ?? [])].map(({ text }) => text);
  const list = Array.isArray(choices) ? choices : [];
  return {
    ...completion,
    id: metadata.id.replace(/^chatcmpl-/, "cmpl-"),
    object: "text_completion",
    choices: list.map(({ message: _, ...choice }, index) => ({ ...choice, text: texts[index] ?? "" })),
  };
}
