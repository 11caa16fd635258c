import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ReportedUse } from "#src/api/access/caller.ts";

export const API_METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
/** From an immediate refusal to the longest answers, in seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export interface EndedRequest {
  readonly method: string;
  /** The pattern of the route, without ids; "none" if there is no such route. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** What this server measures. No label names a tenant, a key, or an id. */
export class ApiMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;
  readonly #inFlight: Gauge;
  readonly #tokens: Counter<"model" | "direction">;

  constructor(readMemoryBytes: () => number) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "sluice_api_requests_total",
      help: "Requests that have ended, by route and status",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "sluice_api_request_duration_seconds",
      help: "Time from the arrival of a request to the end of its response, streams included",
      labelNames: ["method", "route"],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#inFlight = new Gauge({
      name: "sluice_api_requests_in_flight",
      help: "Requests without a response",
      registers,
    });
    this.#tokens = new Counter({
      name: "sluice_api_tokens_total",
      help: "Tokens of answered calls, as the providers reported them",
      labelNames: ["model", "direction"],
      registers,
    });
    new Gauge({
      name: "sluice_api_memory_bytes",
      help: "Memory in use, which the threshold for new requests applies to",
      registers,
      collect() {
        this.set(readMemoryBytes());
      },
    });
  }

  recordStart(): void {
    this.#inFlight.inc();
  }

  recordEnd({ method, route, status, durationMs }: EndedRequest): void {
    this.#inFlight.dec();
    this.#requests.inc({ method, route, status: String(status) });
    this.#durations.observe({ method, route }, durationMs / 1000);
  }

  /** `model` is "provider/model". */
  recordUse(model: string, { inputTokens, outputTokens, totalTokens }: ReportedUse): void {
    const input = inputTokens ?? (totalTokens === undefined ? undefined : totalTokens - (outputTokens ?? 0));
    if (input !== undefined) this.#tokens.inc({ model, direction: "input" }, input);
    if (outputTokens !== undefined) this.#tokens.inc({ model, direction: "output" }, outputTokens);
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
