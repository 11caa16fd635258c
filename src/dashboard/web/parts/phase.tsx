import type { RunSummary } from "../../contract.ts";
import { translations } from "../words/words.ts";
import { StatusBadge } from "./state.tsx";
import { getRunTone } from "./tone-of-run.ts";

/** What a run is doing, as a word and a shape. */
export function PhaseBadge({ run }: { run: Pick<RunSummary, "phase" | "items"> }) {
  const tone = getRunTone(run);
  // Two bars are a pause, and an end is none.
  const shape = run.phase === "finished" && tone === "warn" ? "good" : tone;
  return (
    <StatusBadge tone={tone} shape={shape}>
      {translations.value.phases[run.phase] ?? run.phase}
    </StatusBadge>
  );
}
