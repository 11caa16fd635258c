import type { RunSummary } from "../../contract.ts";
import { words } from "../words/words.ts";
import { State } from "./state.tsx";
import { toneOf } from "./tone-of-run.ts";

/** What a run is doing, as a word and a shape. */
export function Phase({ run }: { run: Pick<RunSummary, "phase" | "items"> }) {
  const tone = toneOf(run);
  // Two bars are a pause, and an end is none.
  const shape = run.phase === "finished" && tone === "warn" ? "good" : tone;
  return (
    <State tone={tone} shape={shape}>
      {words.value.phases[run.phase] ?? run.phase}
    </State>
  );
}
