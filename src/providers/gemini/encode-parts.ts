import { isObject, type JsonObject, parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatMessage, ContentPart, ToolCall } from "#src/providers/provider.ts";
import { readDataUrl } from "#src/providers/translation/read-data-url.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";

/** A part as Gemini takes it. Undefined fields are not sent. */
export type GeminiPart = JsonObject;

/** The parts of a message's content. `field` names the message in problems. */
export function encodeParts(content: ChatMessage["content"], field: string, report: TranslationReport): GeminiPart[] {
  if (content === null || content === "") return [];
  if (typeof content === "string") return [{ text: content }];
  return content
    .map((part, index) => encodePart(part, `${field}.content[${index}]`, report))
    .filter((part) => part !== undefined);
}

function encodePart(part: ContentPart, field: string, report: TranslationReport): GeminiPart | undefined {
  switch (part.type) {
    case "text":
    case "refusal":
      return encodeText(readText(part, "text") ?? readText(part, "refusal"));
    case "image_url":
      return encodeImageUrl(readObject(part, "image_url"), field, report);
    case "input_audio":
      return encodeAudio(readObject(part, "input_audio"), field, report);
    case "file":
      return encodeFile(readText(readObject(part, "file"), "file_data"), field, report);
    default: {
      // A part in Gemini's own form, as `decodeParts` returned it.
      const { type, ...native } = part;
      return isObject(native[type]) ? native : report.rejectUntranslatable(field);
    }
  }
}

function encodeText(text: string | undefined): GeminiPart | undefined {
  return text === undefined ? undefined : { text };
}

const TYPES_BY_EXTENSION: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
};

function encodeImageUrl(
  image: JsonObject | undefined,
  field: string,
  report: TranslationReport,
): GeminiPart | undefined {
  const url = readText(image, "url") ?? "";
  if ((image?.detail ?? "auto") !== "auto") report.adjust("has no detail of images: it is not sent");
  const data = readDataUrl(url);
  if (data) return { inlineData: { mimeType: data.mediaType, data: data.base64 } };
  if (!/^https?:\/\//.test(url))
    return report.reject(`${field}.image_url.url`, "must be an https URL, or a data URL in base64");
  const extension = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? "";
  const mimeType = Object.hasOwn(TYPES_BY_EXTENSION, extension) ? TYPES_BY_EXTENSION[extension] : undefined;
  return { fileData: { mimeType, fileUri: url } };
}

function encodeAudio(audio: JsonObject | undefined, field: string, report: TranslationReport): GeminiPart | undefined {
  const [data, format] = [readText(audio, "data"), readText(audio, "format")];
  if (data === undefined || format === undefined)
    return report.reject(`${field}.input_audio`, "must have data in base64 and a format");
  return { inlineData: { mimeType: `audio/${format}`, data } };
}

function encodeFile(url: string | undefined, field: string, report: TranslationReport): GeminiPart | undefined {
  const data = readDataUrl(url ?? "");
  if (!data) return report.reject(`${field}.file.file_data`, "must be a data URL in base64");
  return { inlineData: { mimeType: data.mediaType, data: data.base64 } };
}

/** A call with the thought signature that Gemini sent with it, without which newer models refuse it. */
export function encodeFunctionCall(call: ToolCall, field: string, report: TranslationReport): GeminiPart | undefined {
  const { id, name, extra = {} } = call;
  if (name === "") return report.rejectUntranslatable(field);
  const args = call.arguments.trim() === "" ? {} : parseObject(call.arguments);
  if (!args) return report.reject(`${field}.function.arguments`, "must be a JSON object");
  const { extra_content: content, ...others } = extra;
  for (const other of Object.keys(others)) report.rejectUntranslatable(`${field}.${other}`);
  return { functionCall: { id: id || undefined, name, args }, thoughtSignature: readSignature(content) };
}

/** `extra_content.google.thought_signature`, the place in which Gemini's OpenAI endpoint sends it. */
export function readSignature(extraContent: unknown): string | undefined {
  return readText(readField(extraContent, "google"), "thought_signature");
}

/** The result of a function: a JSON object as it is, anything else as its output. */
export function encodeFunctionResponse(
  { content, toolCallId, extra }: ChatMessage,
  name: string,
  parts: readonly GeminiPart[],
): GeminiPart {
  const text = parts.map((part) => readText(part, "text") ?? "").join("");
  const output = typeof content === "string" ? (parseObject(content) ?? { output: content }) : { output: text };
  const media = parts.filter((part) => readField(part, "text") === undefined);
  const response = extra?.is_error === true ? { error: typeof content === "string" ? content : text } : output;
  return { functionResponse: { id: toolCallId, name, response, parts: media.length > 0 ? media : undefined } };
}
