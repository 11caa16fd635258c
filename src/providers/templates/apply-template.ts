import type { ChatRequest } from "#src/providers/provider.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { parsePrompt } from "./parse-prompt.ts";

/** A chat request that brings one plain prompt instead of messages. */
export type PromptRequest = Omit<ChatRequest, "messages"> & { readonly prompt: string };

/**
 * The request as messages, with the template's system message at the head when it has none of its own. A prompt in
 * the template's form becomes the conversation it stands for; any other prompt is one user message. Nothing that the
 * request holds is changed or left out.
 */
export function applyTemplate(template: ConversationTemplate, request: ChatRequest | PromptRequest): ChatRequest {
  const converted = "prompt" in request ? fromPrompt(template, request) : request;
  if (converted.messages.some(({ role }) => role === "system")) return converted;
  return {
    ...converted,
    messages: [{ role: "system", content: template.systemMessage }, ...converted.messages],
  };
}

function fromPrompt(template: ConversationTemplate, { prompt, ...rest }: PromptRequest): ChatRequest {
  return { ...rest, messages: parsePrompt(template, prompt) };
}
