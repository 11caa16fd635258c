import { type ToolCallDelta, toolCallDelta } from "#src/api/chat/chat-chunks.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import { type JsonObject, readField, readText } from "#src/providers/json-value.ts";

/** An event of Anthropic's stream; its name is its type. */
export interface MessageEvent extends JsonObject {
  readonly type: string;
}

/**
 * Converts the deltas of an answer to the blocks of a message, which follow one another: a block begins with the first delta
 * of its kind, or of its tool call, and ends when another one begins.
 */
export class MessageBlocks {
  #index = -1;
  /** What the open block is: "text", "thinking", or the index of a tool call. */
  #open: "text" | "thinking" | number | undefined;

  /** Whether nothing was sent yet. */
  get isEmpty(): boolean {
    return this.#index < 0;
  }

  /** The events of a delta. */
  add(event: StreamEvent): MessageEvent[] {
    if (event.type === "delta") return this.#addText("text", { type: "text_delta", text: event.text });
    if (event.type === "reasoning-delta")
      return this.#addText("thinking", { type: "thinking_delta", thinking: event.text });
    if (event.type === "reasoning-details") return this.#addDetails(event.details);
    return event.type === "tool-call-delta" ? this.#addCall(toolCallDelta.parse(event.delta)) : [];
  }

  /** Ends the open block. */
  end(): MessageEvent[] {
    if (this.#open === undefined) return [];
    this.#open = undefined;
    return [{ type: "content_block_stop", index: this.#index }];
  }

  #addText(kind: "text" | "thinking", delta: JsonObject): MessageEvent[] {
    const block = kind === "text" ? { type: kind, text: "" } : { type: kind, thinking: "", signature: "" };
    const begin = this.#open === kind ? [] : this.#begin(kind, block);
    return [...begin, this.#delta(delta)];
  }

  /** A signature belongs to the thinking before it, if that was not omitted; encrypted thinking is a block of its own. */
  #addDetails(details: unknown): MessageEvent[] {
    const data = readField(details, "data");
    if (data !== undefined) return [...this.#begin("thinking", { type: "redacted_thinking", data }), ...this.end()];
    const signature = readText(details, "signature");
    if (signature === undefined) return [];
    return this.#addText("thinking", { type: "signature_delta", signature });
  }

  #addCall({ index, id, name, arguments: text }: ToolCallDelta): MessageEvent[] {
    const block = { type: "tool_use", id: id ?? `toolu_${index}`, name: name ?? "", input: {} };
    const begin = this.#open === index ? [] : this.#begin(index, block);
    const delta = text ? [this.#delta({ type: "input_json_delta", partial_json: text })] : [];
    return [...begin, ...delta];
  }

  #begin(kind: "text" | "thinking" | number, block: JsonObject): MessageEvent[] {
    const end = this.end();
    this.#index += 1;
    this.#open = kind;
    return [...end, { type: "content_block_start", index: this.#index, content_block: block }];
  }

  #delta(delta: JsonObject): MessageEvent {
    return { type: "content_block_delta", index: this.#index, delta };
  }
}
