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

/** Above this share of failed items the run itself has failed, whatever else came of it. */
const BAD_SHARE = 0.5;

/** The tone of a run's state: an end with failures is not one to be pleased with. */
export function getRunTone({ phase, items }: Pick<RunSummary, "phase" | "items">): Tone {
  if (phase !== "finished" || items === undefined || items.failed === 0) return TONES[phase] ?? "neutral";
  return items.failed > items.total * BAD_SHARE ? "error" : "warning";
}
