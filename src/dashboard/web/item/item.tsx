import type { ItemHistory } from "../../contract.ts";
import { formatters } from "../format/show.ts";
import { runLink } from "../parse-route.ts";
import { Card, EmptyState } from "../parts/card.tsx";
import { DescriptionList } from "../parts/facts.tsx";
import { ErrorKindLabel } from "../parts/kind.tsx";
import { ErrorMessage } from "../parts/problem.tsx";
import { StatusBadge } from "../parts/state.tsx";
import { UntrustedText } from "../parts/text.tsx";
import { useQuery } from "../parts/use-answer.ts";
import { useEventStream } from "../server/live.ts";
import { translations } from "../words/words.ts";
import { AttemptTable } from "./attempt-table.tsx";
import { Contents } from "./contents.tsx";

const REFRESH_INTERVAL_MS = 5_000;
const TONES = { succeeded: "good", failed: "bad", waiting: "quiet" } as const;

/** One item's whole story; what was asked and answered stays masked until an operator wants to see it. */
export function Item({ run, index }: { run: string; index: number }) {
  useEventStream("", {});
  const path = `api/runs/${encodeURIComponent(run)}/items/${index}`;
  const { answer: item, error } = useQuery<ItemHistory>(path, REFRESH_INTERVAL_MS);
  const t = translations.value;
  return (
    <>
      <nav class="crumbs" aria-label={t.common.where}>
        <a href="#/runs">{t.nav.runs}</a>
        <span aria-hidden="true">/</span>
        <a href={runLink(run)}>
          <UntrustedText value={run} isMonospace />
        </a>
        <span aria-hidden="true">/</span>
        <span>#{index}</span>
      </nav>
      {error === undefined ? null : <ErrorMessage error={error} />}
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
      <div class="title">
        <h1>
          <UntrustedText value={item.id} />
        </h1>
        <StatusBadge tone={TONES[item.status]}>{t.statuses[item.status]}</StatusBadge>
      </div>
      {item.failure === undefined ? null : (
        <div class="note bad">
          <strong>
            <ErrorKindLabel kind={item.failure.kind} />
          </strong>{" "}
          {item.failure.code === undefined ? null : <UntrustedText value={item.failure.code} isMonospace />}{" "}
          <UntrustedText value={item.failure.message} />
        </div>
      )}
      <Card title={t.record}>
        <div class="body">
          <ItemFields item={item} />
        </div>
      </Card>
      <Card title={t.history}>
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
      facts={[
        { label: t.position, value: `#${count(item.index)}` },
        {
          label: t.model,
          value: item.model === undefined ? count(undefined) : <UntrustedText value={item.model} />,
        },
        {
          label: t.origin,
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
        ...(answer?.dimensions === undefined
          ? []
          : [{ label: t.dimensions, value: count(answer.dimensions) }]),
        ...(answer?.finishReason === undefined
          ? []
          : [{ label: t.finishReason, value: <UntrustedText value={answer.finishReason} /> }]),
      ]}
    />
  );
}
