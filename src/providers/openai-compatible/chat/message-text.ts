import { ProviderError } from "#src/core/failures/errors.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import { readContent, readReasoning } from "./chat-parts.ts";
import { flushThinking, splitThinking, THINKING_START, type ThinkingState } from "./split-thinking.ts";

export interface MessageText {
  readonly text: string;
  readonly reasoning: string;
}

/** Text and reasoning of a delta. Throws `bad-response` for content in an unknown form. */
export function readDeltaText(
  delta: JsonObject,
  thinking: ThinkingState,
  { hasThinkTags, provider }: ChatDialect,
): MessageText & { readonly thinking: ThinkingState } {
  const content = readContent(delta);
  if (content === undefined)
    throw new ProviderError("the content of the answer is neither text nor a list", { kind: "bad-response", provider });
  const reasoning = readReasoning(delta) ?? "";
  if (!hasThinkTags) return { text: content, reasoning, thinking };
  const split = splitThinking(thinking, content);
  return { text: split.text, reasoning: reasoning + split.reasoning, thinking: split.state };
}

/** Text and reasoning of a complete message. */
export function readMessageText(message: JsonObject, dialect: ChatDialect): MessageText {
  const { text, reasoning, thinking } = readDeltaText(message, THINKING_START, dialect);
  const held = flushThinking(thinking);
  return { text: text + held.text, reasoning: reasoning + held.reasoning };
}

/**
 * What the complete message of a closing frame adds to the deltas before it: usually only the characters held back for
 * a tag. Undefined when it is another text: then a frame was lost.
 */
export function findMissingText(
  received: MessageText & { readonly thinking: ThinkingState },
  complete: MessageText,
): MessageText | undefined {
  const held = flushThinking(received.thinking);
  const text = findSuffix(received.text, held.text, complete.text);
  const reasoning = findSuffix(received.reasoning, held.reasoning, complete.reasoning);
  return text === undefined || reasoning === undefined ? undefined : { text, reasoning };
}

function findSuffix(received: string, held: string, complete: string): string | undefined {
  if (complete === "") return held;
  if (complete.startsWith(received)) return complete.slice(received.length);
  // The complete messages of some models lack the white space around the text.
  return complete.trim() === (received + held).trim() ? held : undefined;
}
