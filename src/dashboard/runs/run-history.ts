import type { HistoryMetric, MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { RunInfo } from "./run-cache.ts";

interface RunSample {
  readonly at: number;
  readonly items: number;
  readonly failed: number;
  readonly calls: number;
  readonly throttled: number;
  readonly tokens: number;
}

/** Steps are made twice as long when there are more of them, so that a run of days is still a chart. */
const MAX_STEPS = 360;
const FIRST_STEP_MS = 5_000;
/** Runs remembered; the one that was at work longest ago goes first. */
const MAX_RUNS = 200;

/**
 * How runs went, from what their coordinators tell once a second, as long as this server lives and looks: a counter's
 * growth between two looks is spread over the time between them.
 */
export class RunHistory {
  readonly #runs = new Map<string, { stepMs: number; samples: RunSample[] }>();

  /** Takes what is new of the runs at work. */
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

  read({ run }: RunInfo): MetricHistory {
    const { stepMs, samples } = this.#runs.get(run) ?? { stepMs: FIRST_STEP_MS, samples: [] };
    const steps = samples.slice(1);
    const rate = (of: (sample: RunSample) => number) =>
      steps.map((sample, i) => {
        const before = samples[i];
        // A counter that fell began anew: a retry took records back.
        if (!before || sample.at <= before.at || of(sample) < of(before)) return null;
        return Number((((of(sample) - of(before)) * 60_000) / (sample.at - before.at)).toPrecision(4));
      });
    const line = (metric: HistoryMetric, of: (sample: RunSample) => number) => ({
      seriesKey: metric,
      metric,
      values: rate(of),
    });
    return {
      stepMs,
      at: steps.map(({ at }) => Math.floor(at / stepMs) * stepMs),
      lines: [
        line("items", ({ items }) => items),
        line("calls", ({ calls }) => calls),
        line("tokens", ({ tokens }) => tokens),
        line("failed-items", ({ failed }) => failed),
        line("throttles", ({ throttled }) => throttled),
      ],
    };
  }

  #add(run: string, sample: RunSample): void {
    const known = this.#runs.get(run) ?? { stepMs: FIRST_STEP_MS, samples: [] };
    // Taken out and put in again, the map is in the order of the last news.
    this.#runs.delete(run);
    this.#runs.set(run, known);
    const { samples } = known;
    const last = samples.at(-1);
    // A clock that went back leaves nothing that could be carried on.
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
