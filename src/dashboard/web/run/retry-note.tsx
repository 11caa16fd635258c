import type { RetryStatus } from "../../contract.ts";
import { show } from "../format/show.ts";
import { Said } from "../parts/said.tsx";
import { State } from "../parts/state.tsx";
import { words } from "../words/words.ts";

const TONES = { running: "live", finished: "good", failed: "bad" } as const;

/** How the latest retry of the run is going, or how it ended. */
export function RetryNote({ retry }: { retry: RetryStatus | undefined }) {
  if (retry === undefined) return null;
  const w = words.value.run;
  const { count } = show.value;
  return (
    <div class={retry.state === "failed" ? "note bad" : "note"} role="status">
      <State tone={TONES[retry.state]}>{w.retryStates[retry.state]}</State>{" "}
      {retry.items === undefined
        ? null
        : w.retryItems(
            count(retry.items.succeeded),
            count(retry.items.succeeded + retry.items.failed),
            count(retry.items.failed),
          )}{" "}
      <span class="soft">
        <Said code={retry.code} text={[retry.message, retry.mend].filter(Boolean).join(" ")} />
      </span>
    </div>
  );
}
