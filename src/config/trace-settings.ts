import { Secret } from "#src/core/secret.ts";
import type { GeneralVariables } from "./variables.ts";

/** Where spans are exported by OTLP over HTTP. */
export interface TraceSettings {
  readonly endpoint: string;
  /** "name=value,name=value" with percent-encoded values, which may contain a token. */
  readonly headers: Secret | undefined;
  readonly service: string;
  /** The share of traces that is recorded, 0 to 1. */
  readonly sampleRatio: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";

/**
 * Traces are off unless `SLUICE_TRACES` or an OTLP endpoint switches them on. Other programs use the standard variables
 * too, so an invalid value must not prevent the start: traces then stay off, and a warning says why.
 */
export function readTraceSettings(general: GeneralVariables, warnings: string[]): TraceSettings | undefined {
  const setting = general.SLUICE_TRACES;
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: shared } = general;
  if (setting === "0" || (setting === undefined && own === undefined && shared === undefined)) return undefined;
  if (general.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  if (general.OTEL_TRACES_EXPORTER?.toLowerCase() === "none") return undefined;
  const protocolVariable = firstSet(general, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (general[protocolVariable]?.toLowerCase() === "grpc") {
    warnings.push(`traces are off: ${protocolVariable} is grpc, but Sluice exports over HTTP only (set http/protobuf)`);
    return undefined;
  }
  const endpoint = own ?? `${(shared ?? DEFAULT_ENDPOINT).replace(/\/+$/, "")}/v1/traces`;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    const variable = firstSet(general, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
    warnings.push(`traces are off: ${variable} is not an http:// or https:// URL`);
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

/** The more specific of two variables if it is set, otherwise the other one. */
function firstSet<T extends keyof GeneralVariables>(general: GeneralVariables, specific: T, shared: T): T {
  return general[specific] === undefined ? shared : specific;
}

function readSampleRatio(text: string | undefined, warnings: string[]): number {
  if (text === undefined) return 1;
  const sampleRatio = Number(text);
  if (sampleRatio >= 0 && sampleRatio <= 1) return sampleRatio;
  warnings.push("OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1, so all traces are recorded");
  return 1;
}
