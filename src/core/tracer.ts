/**
 * The trace context that a job carries, in the format of the W3C `traceparent` header: version, trace, span and flags.
 */
export type TraceContext = string;
export const TRACE_CONTEXT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The steps of a job; each is a span. */
export type SpanName = "submit" | "queue" | "reserve" | "call" | "commit";

/** Numbers and names only; never an input, an answer or a message. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

export interface SpanOptions {
  readonly parent?: TraceContext | undefined;
  /** Other traces that this span belongs to. */
  readonly links?: readonly TraceContext[];
  /** Start time, epoch ms; now by default. */
  readonly at?: number;
  readonly attributes?: SpanAttributes;
}

export interface OpenSpan {
  /** The context for child spans, in this or another process; undefined when the trace is not sampled. */
  readonly context: TraceContext | undefined;
  /** `error` is an error kind, never a message. */
  end(options?: { readonly at?: number; readonly error?: string; readonly attributes?: SpanAttributes }): void;
}

/** Records spans. When tracing is off there is no tracer, and OpenTelemetry is not loaded. */
export interface Tracer {
  startSpan(name: SpanName, options?: SpanOptions): OpenSpan;
  /** Sends the recorded spans and stops, within a few seconds; never rejects. */
  close(): Promise<void>;
}
