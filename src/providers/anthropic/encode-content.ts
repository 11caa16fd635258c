import { isObject, type JsonObject, parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatMessage, ContentPart, ToolCall } from "#src/providers/provider.ts";
import { type InlineData, readDataUrl } from "#src/providers/translation/read-data-url.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";

/** A content block as Anthropic takes it. Undefined fields are not sent. */
export type AnthropicBlock = JsonObject & { readonly type: string };

/** Parts in Anthropic's own form, which are sent unchanged. */
const NATIVE_PART =
  /^(image|document|search_result|thinking|redacted_thinking|container_upload|server_tool_use|\w+_tool_result)$/;
const IMAGE_TYPES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** The blocks of a message's content. `field` names the message in problems. Anthropic rejects empty texts. */
export function encodeContent(
  content: ChatMessage["content"],
  field: string,
  report: TranslationReport,
): AnthropicBlock[] {
  if (content === null || content === "") return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content.flatMap((part, index) => encodePart(part, `${field}.content[${index}]`, report) ?? []);
}

function encodePart(part: ContentPart, field: string, report: TranslationReport): AnthropicBlock | undefined {
  switch (part.type) {
    case "text":
    case "refusal":
      return encodeText(part);
    case "image_url":
      return encodeImage(part, field, report);
    case "file":
      return encodeFile(part, field, report);
    default:
      return NATIVE_PART.test(part.type) ? part : report.rejectUntranslatable(field);
  }
}

function encodeText(part: ContentPart): AnthropicBlock | undefined {
  const text = readText(part, "text") ?? readText(part, "refusal");
  if (text === undefined) return undefined;
  return { type: "text", text, citations: part.citations, cache_control: part.cache_control };
}

function encodeImage(part: ContentPart, field: string, report: TranslationReport): AnthropicBlock | undefined {
  const image = readObject(part, "image_url");
  const url = readText(image, "url") ?? "";
  if ((image?.detail ?? "auto") !== "auto") report.adjust("has no detail of images: it is not sent");
  const data = readDataUrl(url);
  if (data && IMAGE_TYPES.has(data.mediaType))
    return { type: "image", source: toBase64Source(data), cache_control: part.cache_control };
  if (/^https?:\/\//.test(url))
    return { type: "image", source: { type: "url", url }, cache_control: part.cache_control };
  return report.reject(
    `${field}.image_url.url`,
    "must be an https URL, or a data URL with a JPEG, PNG, GIF or WebP in base64",
  );
}

/** OpenAI's part for a document: its data in base64. The ids of files at OpenAI are unknown at Anthropic. */
function encodeFile(part: ContentPart, field: string, report: TranslationReport): AnthropicBlock | undefined {
  const file = readObject(part, "file");
  const data = readDataUrl(readText(file, "file_data") ?? "");
  if (data?.mediaType !== "application/pdf")
    return report.reject(`${field}.file.file_data`, "must be a data URL with a PDF in base64");
  const title = readText(file, "filename");
  return { type: "document", source: toBase64Source(data), title, cache_control: part.cache_control };
}

function toBase64Source({ mediaType, base64 }: InlineData) {
  return { type: "base64", media_type: mediaType, data: base64 };
}

/** A `tool_use` block. Fields of the call that came from Anthropic go back to it. */
export function encodeToolUse(call: ToolCall, field: string, report: TranslationReport): AnthropicBlock | undefined {
  const { id, name, extra = {} } = call;
  if (name === "") return report.rejectUntranslatable(field);
  const input = call.arguments.trim() === "" ? {} : parseObject(call.arguments);
  if (!input) return report.reject(`${field}.function.arguments`, "must be a JSON object");
  const { caller, toolset_name, cache_control, ...others } = extra;
  for (const other of Object.keys(others)) report.rejectUntranslatable(`${field}.${other}`);
  return { type: "tool_use", id: toToolUseId(id), name, input, caller, toolset_name, cache_control };
}

/** Anthropic refuses ids with other characters, which some providers give to their calls. */
export function toToolUseId(id: string): string {
  return id.replaceAll(/[^\w-]/g, "_");
}

/**
 * The signed thinking blocks of an assistant message, as `decodeMessage` returned them, or those of its content. Anthropic
 * refuses unsigned ones.
 */
export function encodeThinking(message: ChatMessage, report: TranslationReport): AnthropicBlock[] {
  const { extra, content, reasoning } = message;
  if (Array.isArray(content) && content.some(({ type }) => /thinking$/.test(type))) return [];
  const details = readField(extra, "reasoning_details");
  const blocks = Array.isArray(details) ? details.filter(isObject).flatMap(toThinkingBlock) : [];
  if (reasoning !== undefined && blocks.length === 0)
    report.adjust("takes reasoning only with its signature (reasoning_details): other reasoning is not sent");
  return blocks;
}

function toThinkingBlock(detail: JsonObject): AnthropicBlock[] {
  // Reasoning that another vendor signed.
  if (!String(detail.format ?? "anthropic").startsWith("anthropic")) return [];
  const data = readText(detail, "data");
  if (detail.type === "reasoning.encrypted" && data !== undefined) return [{ type: "redacted_thinking", data }];
  const signature = readText(detail, "signature");
  if (detail.type !== "reasoning.text" || signature === undefined) return [];
  return [{ type: "thinking", thinking: readText(detail, "text") ?? "", signature }];
}
