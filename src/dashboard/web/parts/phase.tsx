import type { RunPhaseView } from "../../contract.ts";
import { words } from "../words/words.ts";
import { State, type Tone } from "./state.tsx";

const TONES: Readonly<Record<RunPhaseView, Tone>> = {
  planning: "live",
  running: "live",
  finishing: "live",
  paused: "warn",
  snoozing: "warn",
  parked: "bad",
  stopped: "bad",
  finished: "good",
  cancelled: "quiet",
  unknown: "quiet",
};

/** What a run is doing, as a word and a shape. */
export function Phase({ phase }: { phase: RunPhaseView }) {
  return <State tone={TONES[phase] ?? "quiet"}>{words.value.phases[phase] ?? phase}</State>;
}
