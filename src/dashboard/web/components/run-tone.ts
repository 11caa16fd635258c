import type { RunPhaseView, RunSummary } from "#src/dashboard/runs/run-api.ts";

export type Tone = "neutral" | "active" | "success" | "warning" | "error";

const TONES: Readonly<Record<RunPhaseView, Tone>> = {
  planning: "active",
  running: "active",
  finishing: "active",
  paused: "warning",
  snoozing: "warning",
  parked: "error",
  stopped: "error",
  finished: "success",
  cancelled: "neutral",
  unknown: "neutral",
};

/** A finished run with a larger share of failed items is shown as an error. */
const BAD_SHARE = 0.5;

/** The tone of a run's state; a finished run with failures is not shown as a success. */
export function getRunTone({ phase, items }: Pick<RunSummary, "phase" | "items">): Tone {
  if (phase !== "finished" || items === undefined || items.failed === 0) return TONES[phase] ?? "neutral";
  return items.failed > items.total * BAD_SHARE ? "error" : "warning";
}
