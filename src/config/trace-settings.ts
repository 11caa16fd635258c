import { Secret } from "#src/core/secret.ts";
import type { GeneralVariables } from "./variables.ts";

/** Where spans go, by OTLP over HTTP. */
export interface TraceSettings {
  readonly endpoint: string;
  /** "name=value,name=value" with values percent-encoded; they may hold a token. */
  readonly headers: Secret | undefined;
  readonly service: string;
  /** Of all traces, the share that is recorded: 0 to 1. */
  readonly sampleRatio: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";

/**
 * Traces are off unless `SLUICE_TRACES` or an OTLP address asks for them. The standard variables belong to everybody, so
 * one that cannot be used here is no reason to refuse to start: traces then stay off, and a warning says why.
 */
export function readTraceSettings(general: GeneralVariables, warnings: string[]): TraceSettings | undefined {
  const setting = general.SLUICE_TRACES;
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: shared } = general;
  if (setting === "0" || (setting === undefined && own === undefined && shared === undefined)) return undefined;
  if (general.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  if (general.OTEL_TRACES_EXPORTER?.toLowerCase() === "none") return undefined;
  const protocol = general.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? general.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol?.toLowerCase() === "grpc") {
    warnings.push("traces stay off: OTLP is spoken over HTTP only, and its protocol is set to grpc");
    return undefined;
  }
  const endpoint = own ?? `${(shared ?? DEFAULT_ENDPOINT).replace(/\/+$/, "")}/v1/traces`;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    warnings.push("traces stay off: the OTLP endpoint is not an http:// or https:// address");
    return undefined;
  }
  const headers = general.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? general.OTEL_EXPORTER_OTLP_HEADERS;
  return {
    endpoint,
    headers: headers === undefined ? undefined : new Secret(headers),
    service: general.OTEL_SERVICE_NAME ?? "sluice",
    sampleRatio: readSampleRatio(general.OTEL_TRACES_SAMPLER_ARG, warnings),
  };
}

function readSampleRatio(text: string | undefined, warnings: string[]): number {
  if (text === undefined) return 1;
  const sampleRatio = Number(text);
  if (sampleRatio >= 0 && sampleRatio <= 1) return sampleRatio;
  warnings.push("OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; all traces are recorded");
  return 1;
}
