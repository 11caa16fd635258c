import * as z from "zod";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import type { JsonObject } from "#src/providers/json-value.ts";

export interface ChunkMetadata {
  readonly id: string;
  /** Epoch seconds */
  readonly created: number;
  readonly model: string;
}

/** A tool call's delta as workers write it. */
export const toolCallDelta = z.object({
  index: z.int().nonnegative(),
  id: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  extra: z.record(z.string(), z.unknown()).optional(),
});

export type ToolCallDelta = z.infer<typeof toolCallDelta>;

export interface ChatChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: JsonObject;
    readonly logprobs: null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
}

/** One chunk of a streamed chat completion. */
export function writeChunk(
  metadata: ChunkMetadata,
  delta: JsonObject,
  finishReason: string | null = null,
  index = 0,
): ChatChunk {
  return {
    ...{ id: metadata.id, object: "chat.completion.chunk", created: metadata.created, model: metadata.model },
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
  };
}

/** The last chunk of a stream whose reader asked for the usage: it has no choices. */
export function writeUsageChunk(metadata: ChunkMetadata, usage: unknown): ChatChunk {
  return {
    ...{ id: metadata.id, object: "chat.completion.chunk", created: metadata.created, model: metadata.model },
    choices: [],
    usage: usage ?? null,
  };
}

/** The delta of a stream event in OpenAI's format; undefined for events that are not deltas. */
export function writeDelta(event: StreamEvent): JsonObject | undefined {
  if (event.type === "delta") return { content: event.text };
  if (event.type === "reasoning-delta") return { reasoning_content: event.text };
  if (event.type === "reasoning-details") return { reasoning_details: [event.details] };
  if (event.type !== "tool-call-delta") return undefined;
  const { index, id, name, arguments: text, extra } = toolCallDelta.parse(event.delta);
  // Only the first delta of a call has its id, and clients take every id for a new call.
  const isFirst = id !== undefined;
  const fn = { ...(name === undefined ? {} : { name }), arguments: text ?? "" };
  return { tool_calls: [{ index, ...(isFirst ? { id, type: "function" } : {}), ...extra, function: fn }] };
}

const STREAMED_FIELDS = new Set([
  "role",
  "content",
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "tool_calls",
]);

/**
 * What the complete answer contains that no delta carried, such as a refusal: it goes into the last delta. `message` is the
 * message of the complete answer in OpenAI's format.
 */
export function listLateFields(message: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(message).filter(([name, value]) => value !== null && !STREAMED_FIELDS.has(name)),
  );
}
