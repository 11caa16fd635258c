import {
  type Attributes,
  type Context,
  context as contexts,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type TracerProviderOptions,
} from "@opentelemetry/sdk-trace";
import {
  type OpenSpan,
  type SpanAttributes,
  type SpanName,
  type SpanOptions,
  TRACE_CONTEXT,
  type TraceContext,
  type Tracer,
} from "#src/core/tracer.ts";

/** Where spans go. */
export interface TraceTarget {
  /** The whole address. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** Of all traces that begin here, the share that is recorded: 0 to 1. */
  readonly sampleRatio: number;
}

/** How long the collector may take for one export, and how long the end of a process waits for it. */
const EXPORT_MS = 3_000;
/** Spans in memory; further ones are dropped, because a collector that is away is no reason to grow. */
const MAX_SPANS = 4_096;

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  submit: SpanKind.PRODUCER,
  queue: SpanKind.CONSUMER,
  reserve: SpanKind.INTERNAL,
  call: SpanKind.CLIENT,
  commit: SpanKind.INTERNAL,
};

/**
 * Starts to record spans and to send them by OTLP over HTTP. Load this file only where traces are wanted: it is the
 * only one that loads OpenTelemetry. Inside a program that has an active span of its own, `submit` becomes its child.
 */
export function openTracer(target: TraceTarget, version?: string): Tracer {
  const exporter = new OTLPTraceExporter({
    url: target.endpoint,
    headers: { ...target.headers },
    timeoutMillis: EXPORT_MS,
  });
  const provider = new TracerProvider({
    resource: describeProcess(target.service, version),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(target.sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MAX_SPANS,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: EXPORT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("sluice", version);
  return {
    startSpan(name: SpanName, { parent, links = [], at, attributes = {} }: SpanOptions = {}): OpenSpan {
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[name],
          attributes: dropUndefined(attributes),
          links: links.flatMap((link) => {
            const linked = parseContext(link);
            return linked ? [{ context: linked }] : [];
          }),
          startTime: at,
        },
        parent === undefined ? contexts.active() : toOtelContext(parent),
      );
      return {
        context: span.isRecording() ? formatContext(span.spanContext()) : undefined,
        end({ at: endedAt, error, attributes: more } = {}) {
          if (more) span.setAttributes(dropUndefined(more));
          if (error !== undefined) {
            span.setAttribute("error.type", error);
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end(endedAt);
        },
      };
    },
    close: () => provider.shutdown().catch(() => undefined),
  };
}

function toOtelContext(parent: TraceContext): Context {
  const remote = parseContext(parent);
  return remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT;
}

function parseContext(text: TraceContext): SpanContext | undefined {
  if (!TRACE_CONTEXT.test(text)) return undefined;
  const [, traceId = "", spanId = "", flags = "0"] = text.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function formatContext({ traceId, spanId, traceFlags }: SpanContext): TraceContext {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

function dropUndefined(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function describeProcess(service: string, version: string | undefined): NonNullable<TracerProviderOptions["resource"]> {
  const attributes: Attributes = {
    "service.name": service,
    "service.version": version,
    "process.pid": process.pid,
  };
  const resource: NonNullable<TracerProviderOptions["resource"]> = {
    attributes,
    merge: (other) => other ?? resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}
