import type { HistoryMetric, MetricHistory } from "#src/dashboard/overview/history-api.ts";
import { toRunPeriod } from "./list-run-periods.ts";
import type { RunInfo } from "./run-cache.ts";

interface RunSample {
  readonly at: number;
  readonly items: number;
  readonly failed: number;
  readonly calls: number;
  readonly throttled: number;
  readonly tokens: number;
}

/** With more steps than this, the step length doubles, so that a run of several days still fits a chart. */
const MAX_STEPS = 360;
const FIRST_STEP_MS = 5_000;
/** A run that starts or ends longer before or after its samples is shown without that. */
const MAX_EDGE_MS = 60_000;
/** Runs that are kept; the one that was active longest ago is dropped first. */
const MAX_RUNS = 200;

/**
 * The progress of runs over time, from what their coordinators publish once a second while this server takes snapshots.
 * A counter's growth between two samples is spread over the time between them.
 */
export class RunHistory {
  readonly #runs = new Map<string, { stepMs: number; samples: RunSample[] }>();

  /** Adds a sample of every run that has a coordinator. */
  record(runs: Iterable<RunInfo>): void {
    for (const { run, published, hasCoordinator } of runs) {
      const snapshot = published?.snapshot;
      if (!hasCoordinator || !snapshot || !published) continue;
      const { items, calls, tokens } = snapshot;
      this.#add(run, {
        at: published.at,
        items: items.succeeded + items.failed,
        failed: items.failed,
        calls: calls.succeeded,
        throttled: calls.throttled,
        tokens,
      });
    }
    while (this.#runs.size > MAX_RUNS) {
      const [oldest] = this.#runs.keys();
      if (oldest === undefined) break;
      this.#runs.delete(oldest);
    }
  }

  read(known: RunInfo): MetricHistory {
    const { stepMs, samples } = this.#runs.get(known.run) ?? { stepMs: FIRST_STEP_MS, samples: [] };
    const period = toRunPeriod(known);
    const steps = samples.slice(1);
    const [first, last] = [steps[0]?.at ?? 0, steps.at(-1)?.at ?? 0];
    const step = (at: number) => Math.floor(at / stepMs) * stepMs;
    // Steps without values, so that the chart contains the start and the end of the run.
    const isNear = (gapMs: number) => steps.length > 0 && gapMs > stepMs && gapMs <= MAX_EDGE_MS;
    const before = isNear(first - period.startedAt) ? [step(period.startedAt)] : [];
    const after = period.endedAt !== undefined && isNear(period.endedAt - last) ? [step(period.endedAt)] : [];
    const rate = (of: (sample: RunSample) => number) => [
      ...before.map(() => null),
      ...steps.map((sample, i) => {
        const previous = samples[i];
        // A counter that fell was reset: a retry removes records.
        if (!previous || sample.at <= previous.at || of(sample) < of(previous)) return null;
        return Number((((of(sample) - of(previous)) * 60_000) / (sample.at - previous.at)).toPrecision(4));
      }),
      ...after.map(() => null),
    ];
    const createSeries = (metric: HistoryMetric, of: (sample: RunSample) => number) => ({
      seriesKey: metric,
      metric,
      values: rate(of),
    });
    return {
      stepMs,
      at: [...before, ...steps.map(({ at }) => step(at)), ...after],
      lines: [
        createSeries("items", ({ items }) => items),
        createSeries("calls", ({ calls }) => calls),
        createSeries("tokens", ({ tokens }) => tokens),
        createSeries("failed-items", ({ failed }) => failed),
        createSeries("throttles", ({ throttled }) => throttled),
      ],
      runs: [period],
    };
  }

  #add(run: string, sample: RunSample): void {
    const known = this.#runs.get(run) ?? { stepMs: FIRST_STEP_MS, samples: [] };
    // Deleted and inserted again, so that the map is ordered by the last sample.
    this.#runs.delete(run);
    this.#runs.set(run, known);
    const { samples } = known;
    const last = samples.at(-1);
    // After a clock jump backwards the old samples are useless.
    if (last && sample.at < last.at) samples.length = 0;
    const step = (at: number) => Math.floor(at / known.stepMs);
    if (last && step(last.at) === step(sample.at)) samples[samples.length - 1] = sample;
    else samples.push(sample);
    if (samples.length <= MAX_STEPS) return;
    known.stepMs *= 2;
    const kept = new Map(samples.map((one) => [step(one.at), one]));
    known.samples = [...kept.values()];
  }
}
