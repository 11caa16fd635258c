import type { RetryRequest, RetryStatus } from "../../contract.ts";
import { show } from "../format/show.ts";
import { ask } from "../parts/dialog.tsx";
import { Text } from "../parts/text.tsx";
import { askServer } from "../server/ask-server.ts";
import { words } from "../words/words.ts";

export interface RetryTold {
  /** Items that would be taken back. */
  readonly failed: number | undefined;
  /** Items of a run that has not finished which have no record yet: a retry coordinates the run, and so calls for them. */
  readonly left?: number | undefined;
  readonly message?: string | undefined;
}

/** Asks before failed items are called for again, which costs what calls cost. */
export function askToRetry(
  run: string,
  request: RetryRequest,
  { failed, left = 0, message }: RetryTold,
): void {
  const w = words.value.run;
  ask({
    title: w.retryTitle(show.value.count(failed)),
    body: (
      <>
        <p>
          <Text value={run} mono />
        </p>
        {message === undefined ? null : (
          <p class="note">
            <Text value={message} />
          </p>
        )}
        <p>{left > 0 ? w.retryBodyRest(show.value.count(left)) : w.retryBody}</p>
      </>
    ),
    confirm: left > 0 ? w.retryRest : w.retry,
    act: async () => {
      await askServer<RetryStatus>(`api/runs/${encodeURIComponent(run)}/retry`, {
        body: left > 0 ? { ...request, rest: true } : request,
      });
      return words.value.run.retryStarted;
    },
  });
}
