import type { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatEvent, ChatRequest, ChatResponse, RequestCheck } from "./provider.ts";
import type { SseEvent } from "./transport/sse.ts";
import type { HttpResponse, ResponseHead } from "./transport/transport.ts";

/** The effect of one wire event. */
export interface ChatStep<State> {
  readonly state: State;
  /** Never includes `end`, which is created from the result of `finish`. */
  readonly events: readonly ChatEvent[];
  /** The terminal marker has arrived; nothing after it is read. */
  readonly done?: boolean;
}

/**
 * Decodes a protocol's stream as a pure function, so that tests can run it over recorded frames. `WireEvent` is a decoded
 * server-sent event or the text of a WebSocket frame. States are immutable.
 */
export interface ChatReducer<State, WireEvent> {
  readonly initial: State;
  /** Throws a ProviderError for an error frame or a malformed frame. */
  reduce(state: State, event: WireEvent): ChatStep<State>;
  /** The complete answer. Throws `bad-response` without the terminal marker: a truncated stream is never a success. */
  finish(state: State): ChatResponse;
}

/** A chat protocol over HTTP, as pure functions. `now` (epoch ms) is needed for Retry-After dates. */
export interface ChatCodec<State> {
  /** The JSON body. Throws `invalid-request`, with field and range, for values that the provider is known to reject. */
  encode(request: ChatRequest, stream: boolean): string;
  /** What `encode` throws or changes; see `checkEncoding`. */
  check(request: ChatRequest): RequestCheck;
  /** Decodes a complete response of any status; throws its ProviderError. */
  decode(response: HttpResponse, now: number): ChatResponse;
  /** The error for a response to a stream request that is not an event stream; such a response is never a success. */
  classify(response: HttpResponse, now: number): ProviderError;
  /** A reducer for one answer. Errors in the stream take status and request id from the head. */
  reducer(head: ResponseHead, now: number): ChatReducer<State, SseEvent>;
}
