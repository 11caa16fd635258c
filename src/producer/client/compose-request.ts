import { InputError } from "#src/core/failures/errors.ts";
import { applyTemplate } from "#src/providers/prompt-templates/apply-template.ts";
import { findTemplate } from "#src/providers/prompt-templates/conversation-templates.ts";
import type { ChatRequest } from "#src/providers/provider.ts";

export interface ComposableRequest extends Omit<ChatRequest, "messages"> {
  readonly messages?: ChatRequest["messages"];
  readonly prompt?: string;
  readonly template?: "default";
}

/**
 * Creates the chat request from the options, and applies the provider's template on request. Throws InputError unless
 * exactly one of `messages` and `prompt` is set.
 */
export function composeRequest(provider: string, options: ComposableRequest): ChatRequest {
  const { messages, prompt, template, ...rest } = options;
  if ((messages === undefined) === (prompt === undefined))
    throw new InputError("expected either messages or prompt", "submitChat");
  if (template !== undefined && template !== "default")
    throw new InputError('expected "default", the only template', "submitChat.template");
  if (prompt !== undefined && prompt.trim() === "")
    throw new InputError("expected a text that is not empty", "submitChat.prompt");
  const request = prompt === undefined ? { ...rest, messages: messages ?? [] } : { ...rest, prompt };
  if (template !== undefined) return applyTemplate(findTemplate(provider), request);
  return "prompt" in request ? { ...rest, messages: [{ role: "user", content: request.prompt }] } : request;
}
