import type { RateDimension } from "#src/core/lane.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { Meter } from "#src/dashboard/web/components/meter.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { isLaneOut } from "./find-problems.ts";
import { LaneReason } from "./lane-reason.tsx";

/** Lanes with the use of their limits. */
export function LaneTable({ lanes, at }: { lanes: readonly LaneView[]; at: number }) {
  const t = translations.value.lanes;
  if (lanes.length === 0)
    return <EmptyState command={SUGGESTED_COMMANDS.providers()}>{translations.value.common.noProviders}</EmptyState>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.lane}</th>
          <th scope="col">{t.state}</th>
          <th scope="col">{t.requests}</th>
          <th scope="col">{t.tokens}</th>
          <th scope="col">{t.concurrency}</th>
          <th scope="col" class="numeric">
            {t.throttledCalls}
          </th>
          {canOperate() ? (
            <th scope="col">
              <span class="visually-hidden">{t.actions}</span>
            </th>
          ) : null}
        </tr>
      </thead>
      <tbody>
        {lanes.map((lane) => (
          <LaneRow key={lane.name} lane={lane} at={at} />
        ))}
      </tbody>
    </table>
  );
}

function LaneRow({ lane, at }: { lane: LaneView; at: number }) {
  const t = translations.value.lanes;
  const { count, compact } = formatters.value;
  return (
    <tr>
      <td class="name">
        <UntrustedText value={lane.name} />
      </td>
      <td class="full-width">
        <LaneState lane={lane} at={at} />
      </td>
      <td class="limit-cell" data-label={t.requests}>
        <Meter share={lane.requests} label={`${lane.name}, ${t.requests}`} />
        <WindowMeters lane={lane} dimension="requests" />
      </td>
      <td class="limit-cell" data-label={t.tokens}>
        <Meter share={lane.tokens} label={`${lane.name}, ${t.tokens}`} />
        <WindowMeters lane={lane} dimension="tokens" />
      </td>
      <td class="limit-cell narrow" data-label={t.concurrency}>
        <Meter share={lane.concurrency} label={`${lane.name}, ${t.concurrency}`} />
      </td>
      <td class="numeric" data-label={t.throttledCalls}>
        {count(lane.throttles)}
        {lane.throttlesPerMinute === undefined ? null : (
          <span class="secondary">{t.perMinute(compact(lane.throttlesPerMinute))}</span>
        )}
      </td>
      {canOperate() ? (
        <td>
          <span class="actions">
            {lane.state === "parked" ? (
              <button type="button" class="button compact" onClick={() => openLaneDialog("openUnparkDialog", lane)}>
                {t.reopen}
              </button>
            ) : null}
            <button
              type="button"
              class="button compact ghost"
              aria-label={t.changeLimitsOf(lane.name)}
              onClick={() => openLaneDialog("openLimitsDialog", lane)}
            >
              {t.changeLimits}
            </button>
          </span>
        </td>
      ) : null}
    </tr>
  );
}

/** Dialogs are loaded when they are opened. One that can't be loaded belongs to the version before an upgrade of the server. */
function openLaneDialog(name: "openLimitsDialog" | "openUnparkDialog", lane: LaneView): void {
  import("./lane-dialogs.tsx").then(
    (dialogs) => dialogs[name](lane),
    () => location.reload(),
  );
}

/** The limits per second, hour, and day. */
function WindowMeters({ lane, dimension }: { lane: LaneView; dimension: RateDimension }) {
  const names = translations.value.lanes.windows[dimension];
  return (
    <>
      {(lane.windows ?? [])
        .filter((usage) => usage.dimension === dimension)
        .map((usage) => (
          <div key={usage.window}>
            <span class="secondary">{names[usage.window]}</span>
            <Meter share={usage} label={`${lane.name}, ${names[usage.window]}`} />
          </div>
        ))}
    </>
  );
}

function LaneState({ lane, at }: { lane: LaneView; at: number }) {
  const t = translations.value.lanes;
  const { count, duration } = formatters.value;
  const reason =
    lane.reason === undefined ? null : (
      <span class="secondary">
        <LaneReason {...lane} />
      </span>
    );
  if (lane.state === "parked")
    return (
      <>
        <StatusBadge tone="error">{t.parked}</StatusBadge>
        {reason}
      </>
    );
  if (lane.state === "snoozed")
    return (
      <>
        <StatusBadge tone="warning">
          {lane.snoozeUntil === undefined ? t.snoozed : t.snoozedFor(duration(Math.max(0, lane.snoozeUntil - at)))}
        </StatusBadge>
        {reason}
      </>
    );
  if (isLaneOut(lane.faultStreak)) return <StatusBadge tone="error">{t.failing(count(lane.faultStreak))}</StatusBadge>;
  if (lane.hanging) return <HangingState {...lane.hanging} />;
  return <StatusBadge tone={lane.concurrency.used > 0 ? "active" : "neutral"}>{t.open}</StatusBadge>;
}

function HangingState({ calls, limitMs, usualMs, aborted }: NonNullable<LaneView["hanging"]>) {
  const t = translations.value.lanes;
  const { duration } = formatters.value;
  return (
    <>
      {calls > 0 && <StatusBadge tone="warning">{t.hanging(calls)}</StatusBadge>}
      {calls > 0 && <span class="secondary">{t.hangingTimes(duration(limitMs), duration(usualMs))}</span>}
      {aborted > 0 && <span class="secondary">{t.hangingAborted(aborted)}</span>}
    </>
  );
}
