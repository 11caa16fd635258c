import type { ChatRequest } from "#src/providers/provider.ts";
import type { ConversationTemplate } from "./conversation-templates.ts";
import { parsePrompt } from "./parse-prompt.ts";

/** A chat request with one plain prompt instead of messages. */
type PromptRequest = Omit<ChatRequest, "messages"> & { readonly prompt: string };

/**
 * The request as messages, with the template's system message first when the request has no system message. A prompt in the
 * template's form is parsed into its conversation; any other prompt becomes one user message. Nothing else in the request
 * changes.
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
