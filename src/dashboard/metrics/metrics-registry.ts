import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { countDurations, DURATION_BOUNDS_MS, type DurationHistogram } from "#src/core/duration-histogram.ts";

export interface MetricDefinition<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

/** The metrics of one scrape, in the order in which they were added. A metric without values still has its help. */
export class MetricsRegistry {
  readonly #registry = new Registry();

  gauge<L extends string>(definition: MetricDefinition<L>, values: Iterable<MetricValue<L>>): void {
    const gauge = new Gauge({ ...definition, labelNames: definition.labels, registers: [this.#registry] });
    // A gauge without labels would start at 0, but an unknown value must be absent.
    if (definition.labels.length === 0) gauge.remove();
    for (const { labels, value } of values) gauge.set(labels, value);
  }

  /** Totals; Prometheus treats a total that shrinks as a counter reset. */
  counter<L extends string>(definition: MetricDefinition<L>, values: Iterable<MetricValue<L>>): void {
    const counter = new Counter({ ...definition, labelNames: definition.labels, registers: [this.#registry] });
    for (const { labels, value } of values) counter.inc(labels, value);
  }

  /** Durations in seconds, in the buckets in which they were counted. */
  durations<L extends string>(definition: MetricDefinition<L>, histograms: readonly LabeledHistogram<L>[]): void {
    this.#registry.registerMetric(new PrecountedHistogram(definition, histograms));
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}

interface MetricValue<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
}

interface LabeledHistogram<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly histogram: DurationHistogram;
}

/** A histogram whose buckets were counted by the workers. */
class PrecountedHistogram<L extends string> extends Histogram<string> {
  readonly #definition: MetricDefinition<L>;
  readonly #counted: readonly LabeledHistogram<L>[];

  constructor(definition: MetricDefinition<L>, counted: readonly LabeledHistogram<L>[]) {
    const { name, help, labels } = definition;
    super({ name, help, labelNames: [...labels], buckets: BOUNDS_SECONDS, registers: [] });
    this.#definition = definition;
    this.#counted = counted;
  }

  /** Called by the registry and by `get`. */
  async getForPromString() {
    const { name, help } = this.#definition;
    const values = this.#counted.flatMap(({ labels, histogram }) => [
      ...toCumulativeCounts(histogram).map(([le, value]) => ({
        labels: { ...labels, le },
        value,
        metricName: `${name}_bucket`,
      })),
      { labels: { ...labels }, value: histogram.sumMs / 1_000, metricName: `${name}_sum` },
      { labels: { ...labels }, value: countDurations(histogram), metricName: `${name}_count` },
    ]);
    return { name, help, type: "histogram", aggregator: "sum", values };
  }
}

const BOUNDS_SECONDS = DURATION_BOUNDS_MS.map((ms) => ms / 1_000);

function toCumulativeCounts({ counts }: DurationHistogram): [le: string, count: number][] {
  let sum = 0;
  return counts.map((count, i) => {
    sum += count;
    return [String(BOUNDS_SECONDS[i] ?? "+Inf"), sum];
  });
}
