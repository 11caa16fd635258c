import type { RetryStatus } from "#src/dashboard/runs/retry-api.ts";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

const TONES = { running: "active", finished: "success", failed: "error" } as const;

/** State or result of the latest process that this server started for the run. */
export function RetryNote({ retry }: { retry: RetryStatus | undefined }) {
  if (retry === undefined) return null;
  const t = translations.value.run;
  const { count } = formatters.value;
  return (
    <div class={retry.state === "failed" ? "note error" : "note"} role="status">
      <StatusBadge tone={TONES[retry.state]}>{t.processStates[retry.action][retry.state]}</StatusBadge>{" "}
      {retry.items === undefined
        ? null
        : t.retryResult(
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
