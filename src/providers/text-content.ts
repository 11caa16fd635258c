import type { ChatMessage } from "./provider.ts";

/** The content of a message as one string; undefined when a part is not text. */
export function joinTextContent(content: ChatMessage["content"]): string | undefined {
  if (content === null) return "";
  if (typeof content === "string") return content;
  const texts = content.map((part) => (part.type === "text" ? part.text : undefined));
  return texts.every((text) => typeof text === "string") ? texts.join("") : undefined;
}
