import type { ChatEvent, Usage } from "#src/providers/provider.ts";

export type ToolCallDelta = Omit<Extract<ChatEvent, { type: "tool-call-delta" }>, "type">;

/** What one frame of a stream, or a whole answer, says; the same for every dialect. */
export interface AnswerFrame {
  /** Increments. */
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCallDelta[];
  /** Everything from the start once more, as closing frames have it. */
  readonly whole?: {
    readonly text: string;
    readonly reasoning: string;
    readonly toolCalls: readonly ToolCallDelta[];
  };
  /** The provider's word. */
  readonly finish?: string;
  /** Absent when all figures are zero, as they are before the end. */
  readonly usage?: Usage;
  /** The last frame there is. */
  readonly isClosing: boolean;
  readonly model?: string;
  readonly id?: string;
  /** Fields that are not modelled. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Reads the parsed JSON of a frame or a whole answer. */
export type FrameReader = (json: Readonly<Record<string, unknown>>) => AnswerFrame;

const NO_FIELDS: Readonly<Record<string, unknown>> = Object.freeze({});

const KNOWN_FIELDS = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "reply",
  "base_resp",
  "input_sensitive",
  "output_sensitive",
  "input_sensitive_type",
  "output_sensitive_type",
  "input_sensitive_int",
  "output_sensitive_int",
  "function_call",
]);

/** What all dialects share: id, model, usage, and the fields that are not modelled. */
export function readCommonFields(
  json: Readonly<Record<string, unknown>>,
): Pick<AnswerFrame, "usage" | "model" | "id" | "extra"> {
  const usage = readUsage(asObject(json.usage));
  let extra = NO_FIELDS;
  for (const field of Object.keys(json)) {
    if (KNOWN_FIELDS.has(field) || json[field] === null) continue;
    // Defined, not assigned: a key such as "__proto__" stays data.
    if (extra === NO_FIELDS) extra = {};
    Object.defineProperty(extra, field, { value: json[field], enumerable: true, configurable: true });
  }
  return {
    ...(usage && { usage }),
    ...(typeof json.model === "string" && json.model !== "" && { model: json.model }),
    ...(typeof json.id === "string" && json.id !== "" && { id: json.id }),
    extra,
  };
}

/** The first choice, whatever order they come in; undefined for null, absent or empty choices. */
export function firstChoice(json: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  if (!Array.isArray(json.choices)) return undefined;
  const choices = json.choices.map(asObject);
  return choices.find((choice) => choice?.index === 0) ?? choices[0];
}

export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The word a choice gives for its end; middle chunks have none, null or "". */
export function readFinish(choice: Record<string, unknown> | undefined): { readonly finish: string } | undefined {
  const finish = asText(choice?.finish_reason);
  return finish === "" ? undefined : { finish };
}

function readUsage(usage: Record<string, unknown> | undefined): Usage | undefined {
  // Zero until the end: most frames stop here.
  if (!usage || (usage.total_tokens === 0 && !usage.prompt_tokens)) return undefined;
  const counts = {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    totalTokens: usage.total_tokens,
    cachedTokens: asObject(usage.prompt_tokens_details)?.cached_tokens,
    reasoningTokens: asObject(usage.completion_tokens_details)?.reasoning_tokens,
  };
  const known = Object.entries(counts).filter(
    ([, value]) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  );
  return known.some(([, value]) => value !== 0) ? Object.fromEntries(known) : undefined;
}
