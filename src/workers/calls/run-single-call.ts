import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { redactProviderText } from "#src/core/failures/provider-text.ts";
import { formatLane, type ReportedLimit } from "#src/core/lane.ts";
import type { Call, Usage } from "#src/providers/provider.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import type { ItemPart } from "#src/workers/dispatch/answer-collector.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import type { CallSpan } from "./call-observer.ts";
import { type FailureDeps, handleFailure, toProviderError } from "./handle-failure.ts";
import type { ProbeCall } from "./lane-prober.ts";

export const SINGLE_INPUT = { inputs: 1, capacity: 1 };

/** What differs between the kinds of models that take one input per call. */
export interface SingleCall<R> {
  /** Its texts are removed from what the provider says about a failure. */
  readonly request: unknown;
  readonly send: (call: Call, span: CallSpan | undefined) => Promise<R>;
  readonly probe: ProbeCall;
  /** If the item needs several calls, the last one commits what they have answered together. */
  readonly commit: (response: R, call: RecordCall) => Promise<void>;
  readonly part?: ItemPart<R> | undefined;
  readonly afterFailure?: (decision: FailureDecision) => Promise<void>;
}

/**
 * Makes one call with one input, commits its record and settles its reservation. Resolves with undefined when the item has
 * its record, otherwise with what to do with it. Never rejects.
 */
export async function runSingleCall<R extends { readonly usage: Usage }>(
  input: PendingInput,
  grant: Grant<unknown>,
  { request, send, probe, commit, part, afterFailure }: SingleCall<R>,
  deps: FailureDeps,
): Promise<FailureDecision | undefined> {
  const { lane, reservation } = grant;
  const { limiter, log } = deps;
  if (part?.collector.hasFailed) {
    limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
    input.completion.markRecorded();
    return undefined;
  }
  input.ledger.countCall().catch((error) => log.warn("could not count a call", { error: coerceError(error).message }));
  const span = deps.observer?.call(grant, [input]);
  const sentAt = performance.now();
  const onAnswerStart = (limits: readonly ReportedLimit[]) =>
    void deps.limitReports.add(lane.lane, limits, deps.clock.monotonic());
  let response: R;
  try {
    response = await deps.hangingCalls.run(grant, [input], deps.signal, (call) =>
      send({ ...call, onAnswerStart }, span),
    );
  } catch (thrown) {
    const error = redactProviderText(toProviderError(thrown, lane.lane.provider), request);
    span?.failed(error);
    const decision = await handleFailure(error, [input], grant, { size: SINGLE_INPUT, probe }, deps);
    if (decision.action === "fail") part?.collector.fail();
    await afterFailure?.(decision);
    return decision;
  }
  deps.prober.recordSuccess(grant);
  span?.answered(response.usage);
  const call = {
    lane: formatLane(lane.lane),
    startedAt: reservation.grantedAt,
    durationMs: performance.now() - sentAt,
  };
  const answer = part ? part.collector.add(part.position, response) : response;
  await Promise.all([
    answer && !part?.collector.hasFailed ? commit(answer, call) : countPart(input, deps),
    limiter
      .settle(lane.lane, [{ id: reservation.id, outcome: "ok", tokens: response.usage.totalTokens }])
      .catch((error) =>
        log.warn("could not settle a reservation; it expires with its lease", { error: coerceError(error).message }),
      ),
  ]);
  span?.committed();
  return undefined;
}

/** The call of an item whose record another call commits, or has committed. */
async function countPart({ ledger, completion }: PendingInput, { log }: FailureDeps): Promise<void> {
  await ledger
    .count({ callsAnswered: 1, ...SINGLE_INPUT })
    .catch((error) => log.warn("could not count a call", { error: coerceError(error).message }));
  completion.markRecorded();
}
