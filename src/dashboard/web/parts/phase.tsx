import type { RunSummary } from "../../contract.ts";
import { words } from "../words/words.ts";
import { State } from "./state.tsx";
import { toneOf } from "./tone-of-run.ts";

/** What a run is doing, as a word and a shape. */
export function Phase({ run }: { run: Pick<RunSummary, "phase" | "items"> }) {
  return <State tone={toneOf(run)}>{words.value.phases[run.phase] ?? run.phase}</State>;
}
