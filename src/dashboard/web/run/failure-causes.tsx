import { useSignal } from "@preact/signals";
import type { FailureCauseList, FailureCauseView } from "#src/dashboard/items/causes/cause-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { canOperate } from "#src/dashboard/web/api-client/session.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorKindLabel } from "#src/dashboard/web/components/error-kind-label.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { FailureMessage } from "#src/dashboard/web/components/failure-message.tsx";
import { ServerMessage } from "#src/dashboard/web/components/server-message.tsx";
import { StatusBadge } from "#src/dashboard/web/components/status-badge.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { itemLink } from "#src/dashboard/web/parse-route.ts";
import { openRetryDialog } from "./retry-dialog.tsx";

/** Causes are counted from the records on disk, so they are polled and not pushed. */
const REFRESH_INTERVAL_MS = 5_000;
/** Further causes are shown on demand, because they would push the rest of the page out of sight. */
const COLLAPSED_COUNT = 20;

/** Failures grouped by cause, the most frequent first. */
export function FailureCauses({
  page,
  onShowItems,
}: {
  page: RunPage;
  /** Called to list the items of a cause. */
  onShowItems: (cause: FailureCauseView) => void;
}) {
  const { run, refusals } = page;
  const isExpanded = useSignal(false);
  const path = `api/runs/${encodeURIComponent(run)}/causes`;
  const { answer, error } = useQuery<FailureCauseList>(path, REFRESH_INTERVAL_MS);
  const t = translations.value.run;
  const { count } = formatters.value;
  return (
    <Card
      title={t.failures}
      actions={<span class="small muted">{t.failedItems(count(answer?.total ?? page.items?.failed))}</span>}
    >
      {error !== undefined && answer === undefined ? <ErrorNote error={error} /> : null}
      {answer?.causes.length === 0 ? <EmptyState>{t.noFailures}</EmptyState> : null}
      {refusals.retry !== undefined && answer && answer.total > 0 ? (
        <p class="note">
          <ServerMessage code={page.refusalCodes?.retry} text={refusals.retry} />
        </p>
      ) : null}
      <ul>
        {answer?.causes.slice(0, isExpanded.value ? undefined : COLLAPSED_COUNT).map((cause) => (
          <FailureCauseRow key={cause.cause} page={page} cause={cause} onShowItems={onShowItems} />
        ))}
      </ul>
      {answer && answer.causes.length > COLLAPSED_COUNT && !isExpanded.value ? (
        <div class="card-body actions">
          <button
            type="button"
            class="button"
            onClick={() => {
              isExpanded.value = true;
            }}
          >
            {translations.value.common.showAll(count(answer.causes.length))}
          </button>
        </div>
      ) : null}
      {answer && answer.others > 0 ? <p class="card-body muted small">{t.rarerCauses(count(answer.others))}</p> : null}
    </Card>
  );
}

function FailureCauseRow({
  page,
  cause,
  onShowItems,
}: {
  page: RunPage;
  cause: FailureCauseView;
  onShowItems: (cause: FailureCauseView) => void;
}) {
  const t = translations.value.run;
  const { run, actions, itemsWithoutRecord } = page;
  const { count, kind, code, example } = cause;
  const message = cause.isCatchAll ? t.otherCauses : cause.message;
  const exportUrl = `api/runs/${encodeURIComponent(run)}/items/export?cause=${encodeURIComponent(cause.cause)}`;
  return (
    <li class="failure-cause">
      <span class="count">{formatters.value.count(count)}</span>
      <div>
        <p>
          <StatusBadge tone="error">
            <ErrorKindLabel kind={kind} />
          </StatusBadge>{" "}
          {code === undefined ? null : <UntrustedText value={code} isMonospace />}
        </p>
        <p>{cause.isCatchAll ? t.otherCauses : <UntrustedText value={message} />}</p>
        <p class="example">
          {t.example}{" "}
          <a href={itemLink(run, example.index)}>
            <UntrustedText value={example.id ?? `#${example.index}`} />
          </a>
          {example.message === message && example.providerMessage === undefined ? null : (
            <>
              {": "}
              <FailureMessage {...example} />
            </>
          )}
        </p>
      </div>
      <div class="actions">
        {actions.includes("items") ? (
          <button type="button" class="button compact" onClick={() => onShowItems(cause)}>
            {t.showItems}
          </button>
        ) : null}
        {canOperate() && actions.includes("retry") ? (
          <button
            type="button"
            class="button compact"
            aria-label={t.retryCause(escapeControlCharacters(message))}
            onClick={() =>
              openRetryDialog(run, { filter: { cause: cause.cause } }, { failed: count, itemsWithoutRecord, message })
            }
          >
            {t.retryItems}
          </button>
        ) : null}
        <a class="button compact" href={exportUrl} download={`failures-${run}.jsonl`}>
          {t.exportFailures}
        </a>
        {canOperate() ? (
          <a
            class="button compact"
            href={`${exportUrl}&texts=1`}
            download={`failures-${run}-texts.jsonl`}
            title={t.exportTextsTitle}
          >
            {t.exportTexts}
          </a>
        ) : null}
      </div>
    </li>
  );
}
