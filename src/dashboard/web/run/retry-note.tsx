import type { RetryStatus } from "../../contract.ts";
import { formatters } from "../format/show.ts";
import { ServerMessage } from "../parts/said.tsx";
import { StatusBadge } from "../parts/state.tsx";
import { translations } from "../words/words.ts";

const TONES = { running: "live", finished: "good", failed: "bad" } as const;

/** How the latest retry of the run is going, or how it ended. */
export function RetryNote({ retry }: { retry: RetryStatus | undefined }) {
  if (retry === undefined) return null;
  const t = translations.value.run;
  const { count } = formatters.value;
  return (
    <div class={retry.state === "failed" ? "note bad" : "note"} role="status">
      <StatusBadge tone={TONES[retry.state]}>{t.retryStates[retry.state]}</StatusBadge>{" "}
      {retry.items === undefined
        ? null
        : t.retryItems(
            count(retry.items.succeeded),
            count(retry.items.succeeded + retry.items.failed),
            count(retry.items.failed),
          )}{" "}
      <span class="muted">
        <ServerMessage code={retry.code} text={[retry.message, retry.hint].filter(Boolean).join(" ")} />
      </span>
    </div>
  );
}
