import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { countDurations, DURATION_BOUNDS_MS, type DurationHistogram } from "../../core/duration-histogram.ts";

/** What a metric is called, what it says and which labels it has. */
export interface MetricText<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

/** The metrics of one moment, in the order they were added. Every metric has its help, with or without a value. */
export class MetricBook {
  readonly #registry = new Registry();

  gauge<L extends string>(text: MetricText<L>, values: Iterable<MetricOf<L>>): void {
    const gauge = new Gauge({ ...text, labelNames: text.labels, registers: [this.#registry] });
    // Without labels it would begin at 0, and what is not known must have no value.
    if (text.labels.length === 0) gauge.remove();
    for (const { labels, value } of values) gauge.set(labels, value);
  }

  /** Sums since ever; where a sum is smaller than before, Prometheus takes it for a restart. */
  counter<L extends string>(text: MetricText<L>, values: Iterable<MetricOf<L>>): void {
    const counter = new Counter({ ...text, labelNames: text.labels, registers: [this.#registry] });
    for (const { labels, value } of values) counter.inc(labels, value);
  }

  /** Durations in seconds, in the classes that they were counted in. */
  durations<L extends string>(text: MetricText<L>, histograms: readonly Counted<L>[]): void {
    this.#registry.registerMetric(new CountedHistogram(text, histograms));
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}

interface MetricOf<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
}

interface Counted<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly histogram: DurationHistogram;
}

/** A histogram that was counted elsewhere. */
class CountedHistogram<L extends string> extends Histogram<string> {
  readonly #text: MetricText<L>;
  readonly #counted: readonly Counted<L>[];

  constructor(text: MetricText<L>, counted: readonly Counted<L>[]) {
    const { name, help, labels } = text;
    super({ name, help, labelNames: [...labels], buckets: BOUNDS_SECONDS, registers: [] });
    this.#text = text;
    this.#counted = counted;
  }

  /** What the registry, and `get`, ask a histogram for. */
  async getForPromString() {
    const { name, help } = this.#text;
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
