import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { LatestPoint } from "#src/dashboard/overview/overview-api.ts";

/** The history with the latest point: it replaces the last step, or is appended while the oldest steps are dropped. */
export function mergeLatestPoint(history: MetricHistory, latest: LatestPoint | undefined): MetricHistory {
  const last = history.at.at(-1);
  if (latest === undefined || last === undefined || latest.at < last) return history;
  if (latest.at - last > history.stepMs * history.at.length) return history;
  const missing: number[] = [];
  for (let at = last + history.stepMs; at <= latest.at; at += history.stepMs) missing.push(at);
  const at = [...history.at.slice(missing.length), ...missing];
  const lines = history.lines.map((line) => ({
    ...line,
    values: [...line.values.slice(missing.length), ...missing.map(() => null)].with(
      -1,
      latest.values[line.seriesKey] ?? null,
    ),
  }));
  return { ...history, at, lines, runs: latest.runs };
}

/** The history without an incomplete last step, whose partial counts would look like a drop. */
export function dropIncompleteStep(history: MetricHistory, now: number): MetricHistory {
  const last = history.at.at(-1);
  if (last === undefined || now - last >= history.stepMs) return history;
  return {
    ...history,
    at: history.at.slice(0, -1),
    lines: history.lines.map((line) => ({ ...line, values: line.values.slice(0, -1) })),
  };
}

/** With fewer steps, a few points would look like a trend. */
const MIN_STEPS = 30;

/** The history from one step before its first value, so that a fresh start is not drawn as an hour without data. */
export function trimLeadingGap(history: MetricHistory): MetricHistory {
  const hasData = (step: number) => history.lines.some(({ values }) => (values[step] ?? 0) > 0);
  const first = history.at.findIndex((_, step) => hasData(step));
  const begin = Math.max(0, Math.min(first - 1, history.at.length - MIN_STEPS));
  if (first < 0 || begin === 0) return history;
  return {
    ...history,
    at: history.at.slice(begin),
    lines: history.lines.map((line) => ({ ...line, values: line.values.slice(begin) })),
  };
}
