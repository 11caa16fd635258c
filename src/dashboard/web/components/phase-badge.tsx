import type { RunSummary } from "#src/dashboard/runs/run-api.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { getRunTone } from "./run-tone.ts";
import { StatusBadge } from "./status-badge.tsx";

export function PhaseBadge({ run }: { run: Pick<RunSummary, "phase" | "items"> }) {
  const tone = getRunTone(run);
  // The shape of "warning" looks like a pause sign, which would be wrong for a finished run.
  const shape = run.phase === "finished" && tone === "warning" ? "success" : tone;
  return (
    <StatusBadge tone={tone} shape={shape}>
      {translations.value.phases[run.phase] ?? run.phase}
    </StatusBadge>
  );
}
