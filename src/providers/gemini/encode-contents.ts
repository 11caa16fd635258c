import type { ChatMessage } from "#src/providers/provider.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";
import {
  encodeFunctionCall,
  encodeFunctionResponse,
  encodeParts,
  type GeminiPart,
  readSignature,
} from "./encode-parts.ts";

interface GeminiContent {
  readonly role: "user" | "model";
  readonly parts: GeminiPart[];
}

export interface GeminiConversation {
  readonly systemInstruction: { readonly parts: readonly GeminiPart[] } | undefined;
  readonly contents: readonly GeminiContent[];
}

/** Fields of messages that have no effect, or that are translated together with another field. */
const HANDLED_FIELDS = new Set([
  "extra_content",
  "reasoning_details",
  "refusal",
  "annotations",
  "images",
  "cache_control",
  "is_error",
]);

/** The conversation as Gemini takes it: its turns alternate, and all results of a turn's calls are in the next one. */
export function encodeContents(messages: readonly ChatMessage[], report: TranslationReport): GeminiConversation {
  const system: GeminiPart[] = [];
  const contents: GeminiContent[] = [];
  const names = new Map<string, string>();
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    const knownProblems = report.rejected.length;
    checkFields(message, field, report);
    for (const { id, name } of message.toolCalls ?? []) names.set(id, name);
    const parts = encodeMessageParts(message, names, field, report);
    if (message.role === "system") {
      if (contents.length > 0)
        report.adjust("takes system messages before all others: later ones are moved to the front");
      system.push(...parts);
    } else if (parts.length > 0) addParts(contents, message.role === "assistant" ? "model" : "user", parts);
    else if (report.rejected.length === knownProblems) report.reject(`${field}.content`, "must not be empty");
  }
  if (!messages.some(({ role }) => role === "user" || role === "tool"))
    report.reject("messages", "must contain a message of the user");
  return { systemInstruction: system.length > 0 ? { parts: system } : undefined, contents };
}

function addParts(contents: GeminiContent[], role: GeminiContent["role"], parts: readonly GeminiPart[]): void {
  const last = contents.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else contents.push({ role, parts: [...parts] });
}

function encodeMessageParts(
  message: ChatMessage,
  names: ReadonlyMap<string, string>,
  field: string,
  report: TranslationReport,
): GeminiPart[] {
  const { role, content, toolCalls = [], toolCallId = "", name = names.get(toolCallId), extra } = message;
  const parts = encodeParts(content, field, report);
  if (role === "tool") {
    if (name !== undefined) return [encodeFunctionResponse(message, name, parts)];
    report.reject(`${field}.tool_call_id`, "must be that of an earlier call, or the message needs the function's name");
    return [];
  }
  if (role !== "assistant") return parts;
  const refusal = parts.length === 0 && typeof extra?.refusal === "string" ? extra.refusal : null;
  const texts = signLastText([...parts, ...encodeParts(refusal, field, report)], readSignature(extra?.extra_content));
  const calls = toolCalls
    .map((call, index) => encodeFunctionCall(call, `${field}.tool_calls[${index}]`, report))
    .filter((part) => part !== undefined);
  return [...texts, ...calls];
}

/** The signature of a message belongs to its last text. */
function signLastText(parts: readonly GeminiPart[], thoughtSignature: string | undefined): readonly GeminiPart[] {
  const last = parts.findLastIndex((part) => part.text !== undefined);
  if (thoughtSignature === undefined || last < 0) return parts;
  return parts.map((part, index) => (index === last ? { ...part, thoughtSignature } : part));
}

function checkFields({ role, name, extra = {} }: ChatMessage, field: string, report: TranslationReport): void {
  if (name !== undefined && role !== "tool") report.rejectUntranslatable(`${field}.name`);
  for (const other of Object.keys(extra))
    if (!HANDLED_FIELDS.has(other)) report.rejectUntranslatable(`${field}.${other}`);
}
