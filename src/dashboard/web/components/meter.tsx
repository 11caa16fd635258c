import type { LimitUsageView } from "#src/dashboard/overview/lane-api.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { effectiveLimit, usedShare } from "./limit-usage.ts";

/** How much of a limit is in use. The hatched part was taken away after the provider refused calls. */
export function Meter({ share, label }: { share: LimitUsageView; label: string }) {
  const { compact, share: percent, timestamp } = formatters.value;
  const t = translations.value.lanes;
  const limit = effectiveLimit(share);
  const { allowed, quota } = share;
  const width = allowed === undefined || allowed <= 0 ? 0 : Math.min(1, share.used / allowed);
  const isLowered = share.learned !== undefined && allowed !== undefined && share.learned < allowed;
  const origin = [
    isLowered ? t.loweredFrom(compact(allowed)) : "",
    share.set ? t.manual : "",
    share.reported ? t.reported : "",
    quota ? t.quota(compact(quota.left), compact(quota.limit), timestamp(quota.resetAt, Date.now())) : "",
  ]
    .filter(Boolean)
    .join(", ");
  return (
    <div class="meter">
      <span class="meter-values">
        <span>{limit === undefined ? compact(share.used) : t.usedOfLimit(compact(share.used), compact(limit))}</span>
        <span class="muted">{percent(usedShare(share))}</span>
      </span>
      {limit === undefined ? null : (
        // biome-ignore lint/a11y/useSemanticElements: a meter element has no room for the lowered part, and each browser draws it differently
        <span
          class="meter-track"
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={share.used}
          aria-valuetext={`${t.usedOfLimit(compact(share.used), compact(limit))}${origin ? `; ${origin}` : ""}`}
        >
          <span
            class={share.used > limit ? "meter-fill exceeded" : "meter-fill"}
            style={{ width: `${width * 100}%` }}
          />
          {isLowered && allowed ? (
            <span class="meter-lowered" style={{ width: `${(1 - limit / allowed) * 100}%` }} />
          ) : null}
        </span>
      )}
      {origin === "" ? null : (
        <span class="meter-note" title={isLowered ? t.loweredTitle : undefined}>
          {origin}
        </span>
      )}
    </div>
  );
}
