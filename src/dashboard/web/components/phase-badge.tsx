import type { RunSummary } from "#src/dashboard/runs/run-api.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { getRunTone } from "./run-tone.ts";
import { StatusBadge } from "./status-badge.tsx";

/** What a run is doing, as a word and a shape. */
export function PhaseBadge({ run }: { run: Pick<RunSummary, "phase" | "items"> }) {
  const tone = getRunTone(run);
  // Two bars are a pause, and an end is none.
  const shape = run.phase === "finished" && tone === "warning" ? "success" : tone;
  return (
    <StatusBadge tone={tone} shape={shape}>
      {translations.value.phases[run.phase] ?? run.phase}
    </StatusBadge>
  );
}
