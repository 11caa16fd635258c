import type { ProviderError } from "#src/core/errors.ts";
import type { ChatEvent, ChatRequest, ChatResponse } from "./provider.ts";
import type { SseEvent } from "./transport/sse.ts";
import type { HttpResponse, ResponseHead } from "./transport/transport.ts";

/** What one wire event does to the answer so far. */
export interface ChatStep<State> {
  readonly state: State;
  /** Never an `end`: that one is made of what `finish` returns. */
  readonly events: readonly ChatEvent[];
  /** The terminal marker came: nothing after it is read. */
  readonly done?: boolean;
}

/**
 * A protocol's stream as a pure function, so that recorded frames test it with a for-loop. `WireEvent` is a decoded
 * server-sent event or a parsed WebSocket frame. States are values: reducing one twice gives the same twice.
 */
export interface ChatReducer<State, WireEvent> {
  readonly initial: State;
  /** Throws the ProviderError that an error frame or a malformed one stands for. */
  reduce(state: State, event: WireEvent): ChatStep<State>;
  /** The complete answer. Throws `bad-response` when the terminal marker has not come: a cut is never a success. */
  finish(state: State): ChatResponse;
}

/** One chat protocol over HTTP. Pure, apart from `now`, which dates Retry-After and is given. */
export interface ChatCodec<State> {
  /** The JSON body. Throws `invalid-request` for what the provider is known to refuse, naming the field and the range. */
  encode(request: ChatRequest, stream: boolean): string;
  /** A complete answer of any status as a response, or the ProviderError it stands for. */
  decode(response: HttpResponse, now: number): ChatResponse;
  /** The error of an answer to a stream request that is no event stream; never a success, whatever it says. */
  classify(response: HttpResponse, now: number): ProviderError;
  /** A reducer of one answer; the head gives errors in the stream their status and request id. */
  reducer(head: ResponseHead, now: number): ChatReducer<State, SseEvent>;
}
