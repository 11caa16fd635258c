import type { RetryRequest, RetryStatus } from "#src/dashboard/runs/retry-api.ts";
import { requestApi } from "#src/dashboard/web/api-client/request-api.ts";
import { openDialog } from "#src/dashboard/web/components/dialog.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";

export interface RetryDialogDetails {
  /** Number of failed items that would be retried. */
  readonly failed: number | undefined;
  /** The request selects the items that match a search; `failed` may be unknown. */
  readonly isMatching?: boolean;
  /** The request selects empty answers. */
  readonly isEmpty?: boolean;
  /** Items without a record of an unfinished run: a retry runs its coordinator, which processes them as well. */
  readonly itemsWithoutRecord?: number | undefined;
  readonly message?: string | undefined;
}

/** Asks before failed items are retried, because their calls cost money again. */
export function openRetryDialog(
  run: string,
  request: RetryRequest,
  { failed, isMatching = false, isEmpty = false, itemsWithoutRecord = 0, message }: RetryDialogDetails,
): void {
  const t = translations.value.run;
  openDialog({
    title: isEmpty
      ? t.retryEmptyTitle
      : isMatching && failed === undefined
        ? t.retryMatchingTitle
        : t.retryTitle(formatters.value.count(failed)),
    body: (
      <>
        <p>
          <UntrustedText value={run} isMonospace />
        </p>
        {message === undefined ? null : (
          <p class="note">
            <UntrustedText value={message} />
          </p>
        )}
        <p>
          {itemsWithoutRecord > 0 ? t.retryUnfinishedBody(formatters.value.count(itemsWithoutRecord)) : t.retryBody}
        </p>
      </>
    ),
    confirmLabel: itemsWithoutRecord > 0 ? t.retryAndResume : t.retryItems,
    onConfirm: async () => {
      await requestApi<RetryStatus>(`api/runs/${encodeURIComponent(run)}/retry`, {
        body: itemsWithoutRecord > 0 ? { ...request, includeUnfinished: true } : request,
      });
      return translations.value.run.retryStarted;
    },
  });
}
