/** What a job carries of its trace: version, trace, span and flags, as the `traceparent` header of W3C spells them. */
export type TraceContext = string;
export const TRACE_CONTEXT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The steps of a job's way, each a span. */
export type SpanName = "submit" | "queue" | "reserve" | "call" | "commit";

/** Figures and names only: never a text, an answer or a message. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

export interface SpanOptions {
  readonly parent?: TraceContext | undefined;
  /** Other traces that this span belongs to. */
  readonly links?: readonly TraceContext[];
  /** When it began, epoch ms; now by default. */
  readonly at?: number;
  readonly attributes?: SpanAttributes;
}

export interface OpenSpan {
  /** For what happens within it, here or elsewhere; undefined when the trace is not recorded. */
  readonly context: TraceContext | undefined;
  /** `error` is a kind, never a message. */
  end(options?: { readonly at?: number; readonly error?: string; readonly attributes?: SpanAttributes }): void;
}

/** Records spans. Where traces are off there is no tracer, and nothing of it is loaded. */
export interface Tracer {
  startSpan(name: SpanName, options?: SpanOptions): OpenSpan;
  /** Sends what is recorded and stops, within some seconds; never rejects. */
  close(): Promise<void>;
}
