import type { RetryRequest, RetryStatus } from "../../contract.ts";
import { formatters } from "../format/show.ts";
import { openDialog } from "../parts/dialog.tsx";
import { UntrustedText } from "../parts/text.tsx";
import { requestApi } from "../server/ask-server.ts";
import { translations } from "../words/words.ts";

export interface RetryDialogDetails {
  /** Items that would be taken back. */
  readonly failed: number | undefined;
  /** Items of a run that has not finished which have no record yet: a retry coordinates the run, and so calls for them. */
  readonly itemsWithoutRecord?: number | undefined;
  readonly message?: string | undefined;
}

/** Asks before failed items are called for again, which costs what calls cost. */
export function openRetryDialog(
  run: string,
  request: RetryRequest,
  { failed, itemsWithoutRecord = 0, message }: RetryDialogDetails,
): void {
  const t = translations.value.run;
  openDialog({
    title: t.retryTitle(formatters.value.count(failed)),
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
          {itemsWithoutRecord > 0 ? t.retryBodyRest(formatters.value.count(itemsWithoutRecord)) : t.retryBody}
        </p>
      </>
    ),
    confirmLabel: itemsWithoutRecord > 0 ? t.retryRest : t.retry,
    onConfirm: async () => {
      await requestApi<RetryStatus>(`api/runs/${encodeURIComponent(run)}/retry`, {
        body: itemsWithoutRecord > 0 ? { ...request, includeUnfinished: true } : request,
      });
      return translations.value.run.retryStarted;
    },
  });
}
