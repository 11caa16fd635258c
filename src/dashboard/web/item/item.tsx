import type { ItemHistory } from "#src/dashboard/items/item-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { DescriptionList } from "#src/dashboard/web/components/description-list.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { runLink } from "#src/dashboard/web/parse-route.ts";
import { AttemptTable } from "./attempt-table.tsx";
import { Contents } from "./contents.tsx";

const REFRESH_INTERVAL_MS = 5_000;
const TONES = { succeeded: "success", failed: "error", waiting: "neutral" } as const;

/** The page of an item: record, call history, request, and response. Texts stay masked until an operator reveals them. */
export function ItemScreen({ run, index }: { run: string; index: number }) {
  useEventStream("", {});
  const path = `api/runs/${encodeURIComponent(run)}/items/${index}`;
  const { answer: item, error } = useQuery<ItemHistory>(path, REFRESH_INTERVAL_MS);
  const t = translations.value;
  return (
    <>
      <nav class="breadcrumbs" aria-label={t.common.breadcrumb}>
        <a href="#/runs">{t.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <a href={runLink(run)}>
          <UntrustedText value={run} isMonospace />
        </a>
        <span aria-hidden="true">/</span>
        <span>#{index}</span>
      </nav>
      {error === undefined ? null : <ErrorNote error={error} />}
      {item === undefined ? (
        error === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : null
      ) : (
        <ItemDetails item={item} />
      )}
    </>
  );
}

function ItemDetails({ item }: { item: ItemHistory }) {
  const t = translations.value.items;
  return (
    <>
      <div class="page-title">
        <h1>
          <UntrustedText value={item.id} />
        </h1>
        <StatusBadge tone={TONES[item.status]}>{t.statuses[item.status]}</StatusBadge>
      </div>
      {item.failure === undefined ? null : (
        <div class="note error">
          <strong>
            <ErrorKindLabel kind={item.failure.kind} />
          </strong>{" "}
          {item.failure.code === undefined ? null : <UntrustedText value={item.failure.code} isMonospace />}{" "}
          <FailureMessage {...item.failure} />
        </div>
      )}
      <Card title={t.record}>
        <div class="card-body">
          <ItemFields item={item} />
        </div>
      </Card>
      <Card title={t.callHistory}>
        <AttemptTable item={item} />
      </Card>
      <Contents item={item} />
    </>
  );
}

function ItemFields({ item }: { item: ItemHistory }) {
  const t = translations.value.items;
  const { count, timestamp } = formatters.value;
  const { answer } = item;
  return (
    <DescriptionList
      items={[
        { label: t.position, value: `#${count(item.index)}` },
        {
          label: t.model,
          value: item.model === undefined ? count(undefined) : <UntrustedText value={item.model} />,
          width: "wide",
        },
        {
          label: t.source,
          value: item.origin === undefined ? count(undefined) : <UntrustedText value={item.origin} />,
        },
        { label: t.attempts, value: count(item.attempts) },
        {
          label: t.tokens,
          value: count(item.tokens),
          below:
            answer?.inputTokens === undefined && answer?.outputTokens === undefined
              ? undefined
              : t.tokensInOut(count(answer.inputTokens), count(answer.outputTokens)),
        },
        { label: t.recordedAt, value: timestamp(item.recordedAt, item.at) },
        answer?.dimensions === undefined ? undefined : { label: t.dimensions, value: count(answer.dimensions) },
        answer?.finishReason === undefined
          ? undefined
          : { label: t.stopReason, value: <UntrustedText value={answer.finishReason} /> },
      ]}
    />
  );
}
