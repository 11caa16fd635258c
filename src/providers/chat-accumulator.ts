import type { ChatReducer } from "./chat-codec.ts";
import type { ChatEvent } from "./provider.ts";

/** A reducer under way. */
export class ChatAccumulator<State, WireEvent> {
  readonly #reducer: ChatReducer<State, WireEvent>;
  #state: State;
  #isDone = false;

  constructor(reducer: ChatReducer<State, WireEvent>) {
    this.#reducer = reducer;
    this.#state = reducer.initial;
  }

  /** The terminal marker came; nothing after it counts. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What wire events that arrived together add to the answer, up to the one that throws. */
  push(group: readonly WireEvent[]): Iterable<ChatEvent> {
    const [only] = group;
    // What models send comes one by one: without a generator that is a tenth cheaper.
    return group.length === 1 && only !== undefined ? this.#take(only) : this.#takeAll(group);
  }

  *#takeAll(group: readonly WireEvent[]): Generator<ChatEvent> {
    for (const wireEvent of group) {
      yield* this.#take(wireEvent);
      if (this.#isDone) return;
    }
  }

  #take(wireEvent: WireEvent): readonly ChatEvent[] {
    const { state, events, done } = this.#reducer.reduce(this.#state, wireEvent);
    this.#state = state;
    this.#isDone = done === true;
    return events;
  }

  /** The last event. Throws when the wire ended without the terminal marker. */
  end(): ChatEvent {
    return { type: "end", response: this.#reducer.finish(this.#state) };
  }
}

/**
 * Runs wire events, in the groups they arrive in, through a reducer: its events, then one `end`. Throws what the
 * reducer throws, and what its `finish` throws when the wire ends without the terminal marker.
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
