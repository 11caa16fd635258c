import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { countDurations, DURATION_BOUNDS_MS, type DurationHistogram } from "#src/core/duration-histogram.ts";

/** What a metric is called, what it says and which labels it has. */
export interface MetricDefinition<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

/** The metrics of one moment, in the order they were added. Every metric has its help, with or without a value. */
export class MetricsRegistry {
  readonly #registry = new Registry();

  gauge<L extends string>(definition: MetricDefinition<L>, values: Iterable<MetricValue<L>>): void {
    const gauge = new Gauge({ ...definition, labelNames: definition.labels, registers: [this.#registry] });
    // Without labels it would begin at 0, and what is not known must have no value.
    if (definition.labels.length === 0) gauge.remove();
    for (const { labels, value } of values) gauge.set(labels, value);
  }

  /** Sums since ever; where a sum is smaller than before, Prometheus takes it for a restart. */
  counter<L extends string>(definition: MetricDefinition<L>, values: Iterable<MetricValue<L>>): void {
    const counter = new Counter({
      ...definition,
      labelNames: definition.labels,
      registers: [this.#registry],
    });
    for (const { labels, value } of values) counter.inc(labels, value);
  }

  /** Durations in seconds, in the classes that they were counted in. */
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

/** A histogram that was counted elsewhere. */
class PrecountedHistogram<L extends string> extends Histogram<string> {
  readonly #definition: MetricDefinition<L>;
  readonly #counted: readonly LabeledHistogram<L>[];

  constructor(definition: MetricDefinition<L>, counted: readonly LabeledHistogram<L>[]) {
    const { name, help, labels } = definition;
    super({ name, help, labelNames: [...labels], buckets: BOUNDS_SECONDS, registers: [] });
    this.#definition = definition;
    this.#counted = counted;
  }

  /** What the registry, and `get`, ask a histogram for. */
  async getForPromString() {
    const { name, help } = this.#definition;
    const values = this.#counted.flatMap(({ labels, histogram }) => [
      ...cumulative(histogram).map(([le, value]) => ({
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

function cumulative({ counts }: DurationHistogram): [le: string, count: number][] {
  let sum = 0;
  return counts.map((count, i) => {
    sum += count;
    return [String(BOUNDS_SECONDS[i] ?? "+Inf"), sum];
  });
}
