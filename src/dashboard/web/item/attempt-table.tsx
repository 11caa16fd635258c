import type { AttemptView, ItemHistory } from "#src/dashboard/items/item-api.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import type { Tone } from "#src/dashboard/web/components/run-tone.ts";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

const TONES: Readonly<Record<AttemptView["outcome"], Tone>> = {
  succeeded: "success",
  failed: "error",
  throttled: "warning",
  lost: "error",
  running: "active",
};

/** All known calls for the item, and how many are unknown. */
export function AttemptTable({ item }: { item: ItemHistory }) {
  const t = translations.value.items;
  const { timestamp, duration, count } = formatters.value;
  const { history, at, status, attempts } = item;
  const unknown = countUnknownAttempts(item);
  if (history.length === 0)
    return (
      <EmptyState>
        {unknown > 0
          ? t.notKept(count(unknown))
          : status === "succeeded" && attempts === 0
            ? t.noCallMade
            : status === "waiting"
              ? t.noCallFinished
              : t.callsNotRecorded}
      </EmptyState>
    );
  return (
    <>
      {unknown > 0 ? <p class="card-body muted">{t.notKept(count(unknown))}</p> : null}
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t.attempt}</th>
            <th scope="col">{t.started}</th>
            <th scope="col" class="numeric">
              {t.duration}
            </th>
            <th scope="col">{t.outcome}</th>
            <th scope="col" class="wide">
              {t.laneAndWorker}
            </th>
          </tr>
        </thead>
        <tbody>
          {history.map((attempt, index) => (
            // A throttled call does not count as an attempt, so attempt numbers are not unique.
            <tr key={index}>
              <td class="nowrap">{t.attemptNumber(String(attempt.number))}</td>
              <td class="nowrap" data-label={t.started}>
                {timestamp(attempt.at, at)}
              </td>
              <td class="numeric" data-label={t.duration}>
                {duration(attempt.durationMs)}
              </td>
              <td>
                <StatusBadge tone={TONES[attempt.outcome]}>{t.outcomes[attempt.outcome]}</StatusBadge>
              </td>
              <td class="full-width">
                <UntrustedText value={[attempt.lane, attempt.worker].filter(Boolean).join(" · ")} />
                {attempt.failure === undefined ? null : (
                  <span class="secondary">
                    <ErrorKindLabel kind={attempt.failure.kind} />{" "}
                    <FailureMessage
                      {...attempt.failure}
                      message={[attempt.failure.code, attempt.failure.message].filter(Boolean).join(": ")}
                    />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Attempts that the record counts but the history does not contain. */
export function countUnknownAttempts({ history, attempts = 0 }: Pick<ItemHistory, "history" | "attempts">): number {
  return Math.max(0, attempts - history.filter(({ outcome }) => outcome !== "throttled").length);
}
