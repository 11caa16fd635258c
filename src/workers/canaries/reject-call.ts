import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { coerceError, ProviderError } from "#src/core/failures/errors.ts";
import { CANARY_PARK_PREFIX, formatLane } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { CallSpan } from "#src/workers/calls/call-observer.ts";
import type { EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import type { CanaryVerdict, CanaryWatch, SentCanary } from "./canary-watch.ts";
import { CANARY_TOKENS } from "./judge-canary.ts";

export interface RejectDeps {
  readonly limiter: Limiter;
  readonly log: WorkerLog;
  readonly span: CallSpan | undefined;
  readonly canaries?: CanaryWatch;
}

/**
 * Records nothing of an answer whose canary does not match. The call is made again, with a canary; if the next canary does
 * not match either, the lane is parked. The provider has answered, so the reservation is settled, the tokens count as paid, and no
 * attempt is charged.
 */
export async function rejectCall(
  { message, isRepeated }: CanaryVerdict,
  inputs: readonly EmbeddingInput[],
  canary: SentCanary,
  grant: Grant<unknown>,
  reportedTokens: number | undefined,
  { limiter, log, span, canaries }: RejectDeps,
): Promise<FailureDecision> {
  const { lane, reservation } = grant;
  const tokens = reportedTokens ?? inputs.reduce((sum, input) => sum + input.tokens, CANARY_TOKENS);
  const warn = (error: unknown) => log.warn("could not count a canary", { error: coerceError(error).message });
  span?.failed(new ProviderError(message, { kind: "bad-response", provider: lane.lane.provider }));
  await limiter.settle(lane.lane, [{ id: reservation.id, outcome: "ok", tokens }]).catch(() => undefined);
  await canary.owner.ledger
    .count({
      callsFailed: 1,
      canaryMismatches: 1,
      discardedTokens: tokens,
      inputs: inputs.length,
      capacity: inputs.length,
    })
    .catch(warn);
  for (const input of inputs) input.attempts += 1;
  if (!isRepeated) {
    log.warn("canary does not match; calling again", { lane: lane.lane, reason: message });
    return { action: "retry", delayMs: 0 };
  }
  const reason = `${CANARY_PARK_PREFIX}${message}`;
  log.error("lane parked", { lane: lane.lane, reason });
  await limiter.park(lane.lane, reason).then(
    () => canaries?.recordPark(canary, formatLane(lane.lane)),
    () => undefined,
  );
  return { action: "park", reason };
}
