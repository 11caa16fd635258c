import { useSignal } from "@preact/signals";
import type { LatestRecord, LatestRecords } from "#src/dashboard/items/item-api.ts";
import { EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";

const MAX_RECORDS = 50;

export interface FollowedRecordsState {
  readonly run: string;
  readonly at: number;
  readonly records: readonly LatestRecord[];
}

/** Keeps the latest records of one run from the event stream. */
export function useFollowedRecords() {
  const state = useSignal<FollowedRecordsState | undefined>(undefined);
  return {
    state,
    handleEvent: ({ run, at, records }: LatestRecords) => {
      const newest = [...records].reverse();
      const seen = new Set(newest.map(({ index }) => index));
      const previous = state.value?.run === run ? state.value.records : [];
      const older = previous.filter(({ index }) => !seen.has(index));
      state.value = { run, at, records: [...newest, ...older].slice(0, MAX_RECORDS) };
    },
  };
}

/** The latest records of a run, newest first. */
export function FollowedRecords({ run, state }: { run: string; state: FollowedRecordsState | undefined }) {
  const now = state?.run === run ? state : undefined;
  const t = translations.value.live;
  if (now === undefined || now.records.length === 0) return <EmptyState>{t.noRecords}</EmptyState>;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.item}</th>
          <th scope="col">{t.recordedAt}</th>
          <th scope="col" class="numeric">
            {t.tokens}
          </th>
          <th scope="col" class="wide">
            {t.vector}
          </th>
        </tr>
      </thead>
      <tbody>
        {now.records.map((record) => (
          <RecordRow key={record.index} run={run} record={record} now={now.at} />
        ))}
      </tbody>
    </table>
  );
}

function RecordRow({ run, record, now }: { run: string; record: LatestRecord; now: number }) {
  const t = translations.value.live;
  const { timestamp, count } = formatters.value;
  return (
    <tr>
      <td class="name">
        <a href={itemLink(run, record.index)}>
          <UntrustedText value={record.id ?? `#${record.index}`} truncate />
        </a>
      </td>
      <td class="nowrap" data-label={t.recordedAt}>
        {timestamp(record.at, now)}
      </td>
      <td class="numeric" data-label={t.tokens}>
        {count(record.tokens)}
      </td>
      <td class="full-width">
        {record.failure === undefined ? (
          <span class="mono">
            {record.vector === undefined
              ? count(undefined)
              : `${record.vector.map((value) => value.toFixed(4)).join("  ")} … ${t.dimensions(count(record.dimensions))}`}
          </span>
        ) : (
          <>
            <StatusBadge tone="error">
              <ErrorKindLabel kind={record.failure.kind} />
            </StatusBadge>{" "}
            <FailureMessage {...record.failure} />
          </>
        )}
      </td>
    </tr>
  );
}
