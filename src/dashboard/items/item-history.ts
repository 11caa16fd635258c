import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import type { JournalEntry } from "#src/state/runs/run-journal.ts";
import type { ItemAnswer } from "./item-answer.ts";
import type { AttemptView, ItemHistory } from "./item-api.ts";
import { toSummary } from "./reading/find-output-items.ts";
import { maskAnswer, maskRequest } from "./reading/item-texts.ts";
import type { StoredItem } from "./reading/stored-item.ts";

/** What is known about the upstream calls for an item. */
export interface ItemCalls {
  readonly failed: readonly JournalEntry[];
  readonly succeeded: RecordCall | undefined;
}

/** What happened to an item, without any of its texts. Pure. */
export function describeItemHistory(
  item: StoredItem,
  answer: ItemAnswer | undefined,
  calls: ItemCalls,
  { at, run, model }: { readonly at: number; readonly run: string; readonly model: string },
): ItemHistory {
  const { finishReason, inputTokens, outputTokens, dimensions, recordedAt } = answer ?? {};
  return {
    ...toSummary(item),
    at,
    run,
    model: (item.model ?? model) || undefined,
    origin: findOrigin(item),
    recordedAt,
    answer: item.status === "succeeded" ? { finishReason, inputTokens, outputTokens, dimensions } : undefined,
    history: describeAttempts(item, calls),
    request: maskRequest(item),
    response: maskAnswer(item, answer),
  };
}

/** Failed attempts in the order in which they started, then the one that gave the record. */
function describeAttempts(item: StoredItem, calls: ItemCalls): AttemptView[] {
  const failed = calls.failed.map(describeFailedAttempt).sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  // Duplicates and cached items took no call. The output of a finished batch does not contain the number of attempts;
  // throttled calls do not count as attempts.
  const attempts = item.attempts ?? (calls.succeeded && failed.filter(isAttempt).length + 1);
  if (item.status !== "succeeded" || !attempts) return failed;
  const { lane, startedAt, durationMs } = calls.succeeded ?? {};
  return [...failed, { number: attempts, at: startedAt, durationMs, lane: lane || undefined, outcome: "succeeded" }];
}

function describeFailedAttempt(entry: JournalEntry): AttemptView {
  const { attempt, at, startedAt, durationMs, worker, lane, kind, message, code, providerMessage } = entry;
  return {
    number: attempt,
    at: startedAt ?? at - durationMs,
    durationMs,
    lane,
    worker: worker || undefined,
    outcome: kind === "throttled" || kind === "overloaded" ? "throttled" : "failed",
    failure: { kind, message, code, providerMessage },
  };
}

function isAttempt({ outcome }: AttemptView): boolean {
  return outcome !== "throttled";
}

/** Sources store the file name and the position in it in the item's metadata. */
function findOrigin({ metadata }: StoredItem): string | undefined {
  for (const name of ["path", "file", "source"]) {
    const value = metadata?.[name];
    if (typeof value === "string" && value !== "") return value.slice(0, 500);
  }
  return undefined;
}
