import type { RetryRequest, RetryStatus } from "../../contract.ts";
import { show } from "../format/show.ts";
import { ask } from "../parts/dialog.tsx";
import { Text } from "../parts/text.tsx";
import { askServer } from "../server/ask-server.ts";
import { words } from "../words/words.ts";

/** Asks before failed items are called for again, which costs what calls cost. */
export function askToRetry(
  run: string,
  request: RetryRequest,
  failed: number | undefined,
  message?: string,
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
        <p>{w.retryBody}</p>
      </>
    ),
    confirm: w.retry,
    act: async () => {
      await askServer<RetryStatus>(`api/runs/${encodeURIComponent(run)}/retry`, { body: request });
      return words.value.run.retryStarted;
    },
  });
}
