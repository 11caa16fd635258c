import { type ToolCallDelta, toolCallDelta } from "#src/api/chat/chat-chunks.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import type { JsonObject } from "#src/providers/json-value.ts";

interface OpenOutput {
  /** What it is: of a tool call, its index. */
  readonly kind: "message" | "reasoning" | number;
  readonly id: string;
  /** Of a tool call. */
  readonly call?: { readonly call_id: string; readonly name: string };
  text: string;
}

/**
 * Converts the deltas of an answer to the typed events of OpenAI's Responses API. Output items follow one another: each ends
 * when the next one begins. The same deltas give the same events, so that a reader can continue after any of them.
 */
export class ResponseOutputs {
  readonly #item: string;
  #index = -1;
  #open: OpenOutput | undefined;

  constructor(item: string) {
    this.#item = item;
  }

  /** The events of a delta, without their sequence numbers. */
  add(event: StreamEvent): JsonObject[] {
    if (event.type === "delta") return this.#addText("message", event.text);
    if (event.type === "reasoning-delta") return this.#addText("reasoning", event.text);
    return event.type === "tool-call-delta" ? this.#addCall(toolCallDelta.parse(event.delta)) : [];
  }

  /** Ends the open output. */
  end(): JsonObject[] {
    const open = this.#open;
    if (!open) return [];
    this.#open = undefined;
    const place = this.#place(open);
    const item = writeItem(open, "completed");
    const done = { type: "response.output_item.done", output_index: this.#index, item };
    if (open.kind === "message") {
      return [
        { type: "response.output_text.done", ...place, content_index: 0, text: open.text, logprobs: [] },
        { type: "response.content_part.done", ...place, content_index: 0, part: textPart(open.text) },
        done,
      ];
    }
    if (open.kind === "reasoning") {
      return [
        { type: "response.reasoning_summary_text.done", ...place, summary_index: 0, text: open.text },
        { type: "response.reasoning_summary_part.done", ...place, summary_index: 0, part: summaryPart(open.text) },
        done,
      ];
    }
    return [
      { type: "response.function_call_arguments.done", ...place, name: open.call?.name, arguments: open.text },
      done,
    ];
  }

  #addText(kind: "message" | "reasoning", text: string): JsonObject[] {
    const events: JsonObject[] = [];
    if (this.#open?.kind !== kind) {
      const id = `${kind === "message" ? "msg" : "rs"}_${this.#item}`;
      events.push(...this.#begin({ kind, id, text: "" }));
      const place = { item_id: id, output_index: this.#index };
      events.push(
        kind === "message"
          ? { type: "response.content_part.added", ...place, content_index: 0, part: textPart("") }
          : { type: "response.reasoning_summary_part.added", ...place, summary_index: 0, part: summaryPart("") },
      );
    }
    const open = this.#open;
    if (!open) return events;
    open.text += text;
    const place = this.#place(open);
    const delta =
      kind === "message"
        ? { type: "response.output_text.delta", ...place, content_index: 0, delta: text, logprobs: [] }
        : { type: "response.reasoning_summary_text.delta", ...place, summary_index: 0, delta: text };
    return [...events, delta];
  }

  #addCall({ index, id, name, arguments: text = "" }: ToolCallDelta): JsonObject[] {
    const events =
      this.#open?.kind === index
        ? []
        : this.#begin({
            ...{ kind: index, id: `fc_${this.#item}_${index}`, text: "" },
            call: { call_id: id ?? `call_${index}`, name: name ?? "" },
          });
    const open = this.#open;
    if (!open || text === "") return events;
    open.text += text;
    return [...events, { type: "response.function_call_arguments.delta", ...this.#place(open), delta: text }];
  }

  #begin(output: OpenOutput): JsonObject[] {
    const ended = this.end();
    this.#index += 1;
    this.#open = output;
    const item = writeItem(output, "in_progress");
    return [...ended, { type: "response.output_item.added", output_index: this.#index, item }];
  }

  #place({ id }: OpenOutput) {
    return { item_id: id, output_index: this.#index };
  }
}

function writeItem(output: OpenOutput, status: "in_progress" | "completed"): JsonObject {
  const { id, text } = output;
  const isDone = status === "completed";
  if (output.kind === "message")
    return { type: "message", id, status, role: "assistant", content: isDone ? [textPart(text)] : [] };
  if (output.kind === "reasoning") return { type: "reasoning", id, summary: isDone ? [summaryPart(text)] : [] };
  return { type: "function_call", id, ...output.call, arguments: text, status };
}

function textPart(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function summaryPart(text: string) {
  return { type: "summary_text", text };
}
