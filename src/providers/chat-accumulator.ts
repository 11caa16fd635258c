import type { ChatReducer } from "./chat-codec.ts";
import type { ChatEvent, ChatResponse } from "./provider.ts";

/** Runs a chat reducer over a stream and keeps its state. */
export class ChatAccumulator<State, WireEvent> {
  readonly #reducer: ChatReducer<State, WireEvent>;
  #state: State;
  #isDone = false;

  constructor(reducer: ChatReducer<State, WireEvent>) {
    this.#reducer = reducer;
    this.#state = reducer.initial;
  }

  /** The terminal marker has arrived; later events are ignored. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The chat events of wire events that arrived together. An iteration may throw after some events. */
  push(group: readonly WireEvent[]): Iterable<ChatEvent> {
    const [only] = group;
    // Most wire events arrive one at a time; without a generator they cost a tenth less.
    return group.length === 1 && only !== undefined ? this.#reduce(only) : this.#reduceAll(group);
  }

  *#reduceAll(group: readonly WireEvent[]): Generator<ChatEvent> {
    for (const wireEvent of group) {
      yield* this.#reduce(wireEvent);
      if (this.#isDone) return;
    }
  }

  #reduce(wireEvent: WireEvent): readonly ChatEvent[] {
    const { state, events, done } = this.#reducer.reduce(this.#state, wireEvent);
    this.#state = state;
    this.#isDone = done === true;
    return events;
  }

  /** The final event. Throws when the stream ended without the terminal marker. */
  end(): ChatEvent {
    return { type: "end", response: this.finish() };
  }

  /** The complete answer. Throws when the stream ended without the terminal marker. */
  finish(): ChatResponse {
    return this.#reducer.finish(this.#state);
  }
}

/**
 * Reduces wire events, in the groups in which they arrive, to chat events and a final `end`. Throws what the reducer throws,
 * including the error of `finish` for a stream without the terminal marker.
 */
export async function* reduceChat<State, WireEvent>(
  wire: AsyncIterable<readonly WireEvent[]>,
  reducer: ChatReducer<State, WireEvent>,
): AsyncGenerator<ChatEvent> {
  const accumulator = new ChatAccumulator(reducer);
  for await (const group of wire) {
    for (const event of accumulator.push(group)) yield event;
    if (accumulator.isDone) break;
  }
  yield accumulator.end();
}
