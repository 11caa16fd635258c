import type { ChatMessage } from "#src/providers/provider.ts";
import type { TranslationReport } from "#src/providers/translation/translation-report.ts";
import { type AnthropicBlock, encodeContent, encodeThinking, encodeToolUse, toToolUseId } from "./encode-content.ts";

interface AnthropicMessage {
  readonly role: "user" | "assistant";
  readonly content: AnthropicBlock[];
}

export interface AnthropicConversation {
  /** All system messages, which Anthropic takes apart from the others. */
  readonly system: string | readonly AnthropicBlock[] | undefined;
  readonly messages: readonly AnthropicMessage[];
}

/** Fields of messages that have no effect, or that are translated together with another field. */
const HANDLED_FIELDS = new Set(["reasoning_details", "refusal", "annotations", "cache_control", "is_error"]);

/**
 * The conversation as Anthropic takes it. Messages of one role in a row become one, so that the results of tools are in
 * the one message of the user after the calls.
 */
export function encodeMessages(messages: readonly ChatMessage[], report: TranslationReport): AnthropicConversation {
  const system: AnthropicBlock[] = [];
  const turns: AnthropicMessage[] = [];
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    const knownProblems = report.rejected.length;
    checkFields(message, field, report);
    const blocks = markCached(message, encodeBlocks(message, field, report));
    if (message.role === "system") {
      if (turns.length > 0) report.adjust("takes system messages before all others: later ones are moved to the front");
      system.push(...blocks);
    } else if (blocks.length > 0) addTurn(turns, message.role === "assistant" ? "assistant" : "user", blocks);
    else if (report.rejected.length === knownProblems) report.reject(`${field}.content`, "must not be empty");
  }
  if (system.some(({ type }) => type !== "text")) report.reject("a system message", "must contain only text");
  if (messages.find(({ role }) => role !== "system")?.role !== "user")
    report.reject("messages", "must begin with a message of the user");
  return { system: joinSystem(system), messages: turns };
}

function addTurn(turns: AnthropicMessage[], role: AnthropicMessage["role"], blocks: readonly AnthropicBlock[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.content.push(...blocks);
  else turns.push({ role, content: [...blocks] });
}

function encodeBlocks(message: ChatMessage, field: string, report: TranslationReport): AnthropicBlock[] {
  const { role, content, toolCalls = [], toolCallId, extra } = message;
  const blocks = encodeContent(content, field, report);
  if (role === "tool")
    return [
      {
        type: "tool_result",
        tool_use_id: toToolUseId(toolCallId ?? ""),
        content: joinResult(content, blocks),
        is_error: extra?.is_error,
      },
    ];
  if (role !== "assistant") return blocks;
  const refusal = blocks.length === 0 && typeof extra?.refusal === "string" ? extra.refusal : null;
  return [
    ...encodeThinking(message, report),
    ...blocks,
    ...encodeContent(refusal, field, report),
    ...toolCalls.flatMap((call, index) => encodeToolUse(call, `${field}.tool_calls[${index}]`, report) ?? []),
  ];
}

function joinResult(content: ChatMessage["content"], blocks: readonly AnthropicBlock[]): unknown {
  return typeof content === "string" ? content : blocks;
}

function joinSystem(blocks: readonly AnthropicBlock[]): AnthropicConversation["system"] {
  const [only, ...others] = blocks;
  if (!only) return undefined;
  return others.length === 0 && !only.cache_control && typeof only.text === "string" ? only.text : blocks;
}

/** A `cache_control` of the message marks its last block. */
function markCached({ extra }: ChatMessage, blocks: readonly AnthropicBlock[]): readonly AnthropicBlock[] {
  const last = blocks.at(-1);
  const control = extra?.cache_control;
  return last && control ? [...blocks.slice(0, -1), { ...last, cache_control: control }] : blocks;
}

/** The name of a tool's message repeats that of its call; other names would be lost. */
function checkFields({ role, name, extra = {} }: ChatMessage, field: string, report: TranslationReport): void {
  if (name !== undefined && role !== "tool") report.rejectUntranslatable(`${field}.name`);
  for (const other of Object.keys(extra))
    if (!HANDLED_FIELDS.has(other)) report.rejectUntranslatable(`${field}.${other}`);
}
