import { InputError } from "#src/core/errors.ts";
import type { ChatRequest } from "#src/providers/provider.ts";
import { applyTemplate } from "#src/providers/templates/apply-template.ts";
import { findTemplate } from "#src/providers/templates/conversation-templates.ts";

export interface ComposableRequest extends Omit<ChatRequest, "messages"> {
  readonly messages?: ChatRequest["messages"];
  readonly prompt?: string;
  readonly template?: "default";
}

/**
 * The chat request that options stand for, with the provider's template applied where it was asked for. Throws
 * InputError unless there is exactly one of `messages` and `prompt`.
 */
export function composeRequest(provider: string, options: ComposableRequest): ChatRequest {
  const { messages, prompt, template, ...rest } = options;
  if ((messages === undefined) === (prompt === undefined))
    throw new InputError("expected either messages or prompt", "submitChat");
  if (template !== undefined && template !== "default")
    throw new InputError('expected "default", the only template there is', "submitChat.template");
  if (prompt !== undefined && prompt.trim() === "")
    throw new InputError("expected a text with something in it", "submitChat.prompt");
  const request = prompt === undefined ? { ...rest, messages: messages ?? [] } : { ...rest, prompt };
  if (template !== undefined) return applyTemplate(findTemplate(provider), request);
  return "prompt" in request ? { ...rest, messages: [{ role: "user", content: request.prompt }] } : request;
}
