import type { ChatReducer } from "./chat-codec.ts";
import type { ChatEvent } from "./provider.ts";

/**
 * Runs wire events, in the groups they arrive in, through a reducer: its events, then one `end`. Throws what the
 * reducer throws, and what its `finish` throws when the wire ends without the terminal marker.
 */
export async function* reduceChat<State, WireEvent>(
  wire: AsyncIterable<readonly WireEvent[]>,
  reducer: ChatReducer<State, WireEvent>,
  /** Called once, when the terminal marker came and before `end` is yielded. */
  onDone: () => void = () => undefined,
): AsyncGenerator<ChatEvent> {
  let state = reducer.initial;
  let done = false;
  for await (const group of wire) {
    for (const wireEvent of group) {
      const step = reducer.reduce(state, wireEvent);
      state = step.state;
      for (const event of step.events) yield event;
      done = step.done === true;
      if (done) break;
    }
    if (!done) continue;
    onDone();
    break;
  }
  yield { type: "end", response: reducer.finish(state) };
}
