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
import { omitUndefined } from "#src/core/omit-undefined.ts";
import {
  type OpenSpan,
  type SpanName,
  type SpanOptions,
  TRACE_CONTEXT,
  type TraceContext,
  type Tracer,
} from "#src/core/tracer.ts";

/** Where spans are sent, and which. */
export interface TraceTarget {
  /** The complete URL. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** The share of the traces started by this process that is sampled: 0 to 1. */
  readonly sampleRatio: number;
}

/** The timeout of an export, and the longest time that the end of a process waits for one. */
const EXPORT_MS = 3_000;
/** Spans kept in memory; further ones are dropped, so that memory stays bounded while the collector is unavailable. */
const MAX_SPANS = 4_096;

const KINDS: Readonly<Record<SpanName, SpanKind>> = {
  submit: SpanKind.PRODUCER,
  queue: SpanKind.CONSUMER,
  reserve: SpanKind.INTERNAL,
  call: SpanKind.CLIENT,
  commit: SpanKind.INTERNAL,
};

/**
 * Records spans and sends them by OTLP over HTTP. This is the only file that loads OpenTelemetry, so import it only when
 * tracing is enabled. In a program with an active span, `submit` spans become its children.
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
          attributes: omitUndefined(attributes),
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
          if (more) span.setAttributes(omitUndefined(more));
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
