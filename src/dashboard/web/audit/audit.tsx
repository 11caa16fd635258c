import { useSignal } from "@preact/signals";
import type { AuditEntry, AuditPage } from "#src/dashboard/audit/audit-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { readDetail } from "./read-detail.ts";

const PAGE_SIZE = 50;
const REFRESH_INTERVAL_MS = 5_000;

interface LoadedEntries {
  readonly lines: readonly AuditEntry[];
  readonly next?: string | undefined;
}

/** The audit log, newest entries first. */
export function AuditScreen() {
  useEventStream("", {});
  const loaded = useSignal<LoadedEntries | undefined>(undefined);
  const loadError = useSignal<unknown>(undefined);
  // Once older entries are shown, the newest are no longer refreshed, so that the list does not move.
  const newest = useQuery<AuditPage>(
    `api/audit?limit=${PAGE_SIZE}`,
    loaded.value === undefined ? REFRESH_INTERVAL_MS : undefined,
  );
  const next = loaded.value === undefined ? newest.answer?.next : loaded.value.next;
  const error = newest.error ?? loadError.value;
  const loadOlder = async (before: string) => {
    try {
      const page = await requestApi<AuditPage>(`api/audit?limit=${PAGE_SIZE}&before=${encodeURIComponent(before)}`);
      const lines = loaded.value?.lines ?? newest.answer?.lines ?? [];
      loaded.value = { lines: [...lines, ...page.lines], next: page.next };
      loadError.value = undefined;
    } catch (thrown) {
      loadError.value = thrown;
    }
  };
  const lines = loaded.value?.lines ?? newest.answer?.lines;
  const t = translations.value;
  return (
    <>
      <h1>{t.nav.audit}</h1>
      {error === undefined ? null : <ErrorNote error={error} />}
      <Card title={t.audit.title}>
        {lines === undefined ? (
          error === undefined ? (
            <EmptyState>{t.common.loading}</EmptyState>
          ) : null
        ) : lines.length === 0 ? (
          <EmptyState>{t.audit.none}</EmptyState>
        ) : (
          <AuditTable lines={lines} />
        )}
      </Card>
      {next === undefined ? null : (
        <div class="actions">
          <button type="button" class="button" onClick={() => void loadOlder(next)}>
            {t.common.showOlder}
          </button>
        </div>
      )}
    </>
  );
}

function AuditTable({ lines }: { lines: readonly AuditEntry[] }) {
  const t = translations.value.audit;
  const { timestamp } = formatters.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.time}</th>
          <th scope="col">{t.user}</th>
          <th scope="col">{t.action}</th>
          <th scope="col">{t.target}</th>
          <th scope="col">{t.details}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td class="nowrap full-width">{timestamp(line.at, Date.now())}</td>
            <td data-label={t.user}>
              <UntrustedText value={line.userName} /> <span class="muted">{translations.value.roles[line.role]}</span>
            </td>
            <td data-label={t.action}>
              {line.outcome === "refused" ? `${t.refused} ` : null}
              {(Object.hasOwn(t.actions, line.action) && t.actions[line.action]) || (
                <UntrustedText value={line.action} />
              )}
            </td>
            <td class="full-width target">
              {line.target === undefined ? null : <UntrustedText value={line.target} isMonospace />}
            </td>
            <td class="full-width target">
              <Detail line={line} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Detail({ line: { detail, outcome, reason } }: { line: AuditEntry }) {
  if (outcome === "refused" && reason !== undefined) {
    const errors: Readonly<Record<string, string | undefined>> = translations.value.errors;
    return <ServerMessage code={reason} text={errors[reason] ?? reason.replaceAll("-", " ")} />;
  }
  if (detail === undefined) return null;
  const { lanes, audit } = translations.value;
  return (
    <>
      {readDetail(detail).map((part, index) => (
        <span key={index}>
          {index === 0 ? null : ", "}
          {part.kind === "limit"
            ? `${part.dimension === "concurrency" ? lanes.concurrency : lanes.windows[part.dimension][part.window]} ${formatters.value.count(part.value)}`
            : part.kind === "window"
              ? audit.itemCount(formatters.value.count(part.value))
              : (Object.hasOwn(audit.detailTexts, part.text) && audit.detailTexts[part.text]) || (
                  <UntrustedText value={part.text} />
                )}
        </span>
      ))}
    </>
  );
}
