import { RATE_LIMITS } from "#src/core/lane.ts";
import type { LaneView, SetLaneLimits } from "#src/dashboard/overview/lane-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { openDialog } from "#src/dashboard/web/components/dialog.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { LaneReason } from "./lane-reason.tsx";

/** Changes the limits of a lane for all workers. */
export function openLimitsDialog(lane: LaneView): void {
  const t = translations.value.lanes;
  openDialog({
    title: t.limitsTitle,
    body: (
      <>
        <p>
          <UntrustedText value={lane.name} isMonospace />
        </p>
        <p class="small muted">{t.limitsBody}</p>
        <div class="form">
          <LimitField name="requestsPerMinute" label={t.requests} share={lane.requests} />
          <LimitField name="tokensPerMinute" label={t.tokens} share={lane.tokens} />
          <LimitField name="concurrency" label={t.concurrency} share={lane.concurrency} />
        </div>
        <details>
          <summary>{t.otherWindows}</summary>
          <div class="form">
            {RATE_LIMITS.filter(({ window }) => window !== "minute").map(({ dimension, window, field }) => (
              <LimitField
                key={field}
                name={field}
                label={t.windows[dimension][window]}
                share={lane.windows?.find((one) => one.dimension === dimension && one.window === window)}
              />
            ))}
          </div>
        </details>
        <label class="checkbox-field">
          <input type="checkbox" name="clear" />
          {t.clearFirst}
        </label>
      </>
    ),
    confirmLabel: t.setLimits,
    isReady: (fields) => [...fields.values()].some((value) => value !== ""),
    onConfirm: async (fields) => {
      await requestApi<LaneView>("api/lanes/limits", { body: readLimits(lane.name, fields) });
      return translations.value.lanes.limitsSet;
    },
  });
}

function LimitField({ name, label, share }: { name: string; label: string; share: LaneView["requests"] | undefined }) {
  return (
    <label class="field grow">
      <span>{label}</span>
      <input
        class="input"
        name={name}
        type="number"
        min={1}
        step={1}
        inputMode="numeric"
        placeholder={String(share?.allowed ?? "")}
        defaultValue={share?.set ? String(share.allowed ?? "") : ""}
      />
    </label>
  );
}

function readLimits(lane: string, fields: FormData): SetLaneLimits {
  const readField = (name: string) => {
    const text = String(fields.get(name) ?? "").trim();
    return text === "" ? undefined : Number(text);
  };
  return {
    lane,
    ...Object.fromEntries(RATE_LIMITS.map(({ field }) => [field, readField(field)])),
    concurrency: readField("concurrency"),
    clear: fields.get("clear") ? true : undefined,
  };
}

/** Asks before a parked lane is reopened, because whatever parked it may cost money again. */
export function openUnparkDialog(lane: LaneView): void {
  const t = translations.value.lanes;
  openDialog({
    title: t.reopenTitle,
    body: (
      <>
        <p>
          <UntrustedText value={lane.name} isMonospace />
        </p>
        <p>{t.reopenBody}</p>
        {lane.reason === undefined ? null : (
          <p class="note warning">
            <LaneReason {...lane} />
          </p>
        )}
      </>
    ),
    confirmLabel: t.reopen,
    onConfirm: async () => {
      await requestApi<LaneView>("api/lanes/unpark", { body: { lane: lane.name } });
      return translations.value.lanes.reopened;
    },
  });
}
