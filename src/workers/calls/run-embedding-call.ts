import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { redactProviderText } from "#src/core/failures/provider-text.ts";
import { formatLane, type ReportedLimit } from "#src/core/lane.ts";
import type { Settlement } from "#src/limiter/limiter.ts";
import type { EmbeddingModel, EmbeddingPurpose, EmbeddingRequest, EmbeddingResponse } from "#src/providers/provider.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import type { CallSize } from "#src/state/runs/run-ledger.ts";
import type { CanaryWatch, SentCanary } from "#src/workers/canaries/canary-watch.ts";
import { CANARY_TEXT } from "#src/workers/canaries/judge-canary.ts";
import { rejectCall } from "#src/workers/canaries/reject-call.ts";
import { distributeTokens, type EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import { commitRecords } from "./commit-records.ts";
import { type FailureDeps, handleFailure, toProviderError } from "./handle-failure.ts";
import { PROBE_TEXT } from "./lane-prober.ts";

export interface BatchRequest {
  readonly purpose: EmbeddingPurpose;
  readonly dimensions?: number;
  readonly options?: EmbeddingRequest["options"];
  readonly tokenIds?: boolean;
}

/**
 * Makes one embedding call, commits the records of its inputs and settles its reservation. Resolves with undefined when
 * every input has its record, otherwise with what to do with the inputs. Never rejects.
 */
export async function runBatch(
  inputs: readonly EmbeddingInput[],
  grant: Grant<EmbeddingModel>,
  request: BatchRequest,
  deps: FailureDeps & {
    /** Called when the reservation is settled, so that other inputs can ask for one. */
    readonly onReservationReleased?: () => void;
    readonly canaries?: CanaryWatch;
    /** The batch left room for a canary. */
    readonly hasCanary?: boolean;
  },
): Promise<FailureDecision | undefined> {
  const { lane, reservation } = grant;
  const { limiter, log, signal } = deps;
  const canary = deps.canaries?.startCall(inputs, deps.hasCanary === true, formatLane(lane.lane));
  const size = { inputs: inputs.length, capacity: lane.model.maxInputs - (canary ? 1 : 0) };
  const warn = (error: unknown) => log.warn("could not count a call", { error: coerceError(error).message });
  inputs[0]?.ledger.countCall().catch(warn);
  canary?.owner.ledger.count({ canaries: 1 }).catch(warn);
  const inputTexts = inputs.map((input) => input.text);
  const span = deps.observer?.call(grant, inputs);
  const sentAt = performance.now();
  let response: EmbeddingResponse;
  let answeredAt: number | undefined;
  const onAnswerStart = (limits: readonly ReportedLimit[]) => {
    answeredAt = performance.now();
    void deps.limitReports.add(lane.lane, limits, deps.clock.monotonic());
  };
  try {
    const texts = canary ? inputTexts.toSpliced(canary.place, 0, CANARY_TEXT) : inputTexts;
    response = await deps.hangingCalls.run(grant, inputs, signal, (call) =>
      lane.model.embed({ inputs: texts, ...request }, { ...call, onAnswerStart }),
    );
  } catch (thrown) {
    const error = redactProviderText(toProviderError(thrown, lane.lane.provider), inputTexts);
    span?.failed(error);
    const probe = async () =>
      (await lane.model.embed({ ...request, inputs: [PROBE_TEXT], tokenIds: false }, { signal })).usage.totalTokens;
    return await handleFailure(error, inputs, grant, { size, probe }, deps);
  }
  deps.prober.recordSuccess(grant);
  const verdict = canary && deps.canaries?.judge(canary, response);
  if (canary && verdict) {
    return await rejectCall(verdict, inputs, canary, grant, response.usage.totalTokens, { ...deps, span });
  }
  deps.canaries?.recordItems(inputs);
  span?.answered(response.usage);
  const call = {
    lane: formatLane(lane.lane),
    startedAt: reservation.grantedAt,
    durationMs: performance.now() - sentAt,
  };
  const settlement: Settlement = {
    id: reservation.id,
    outcome: "ok",
    tokens: response.usage.totalTokens,
    answeredAgoMs: answeredAt === undefined ? undefined : performance.now() - answeredAt,
  };
  // Settled before the records are committed: records are large, and other calls wait for the reservation.
  const settled = limiter
    .settle(lane.lane, [settlement])
    .then(deps.onReservationReleased, (error) =>
      log.warn("could not settle a reservation; it expires with its lease", { error: coerceError(error).message }),
    );
  await Promise.all([settled, commitVectors(inputs, response, { call, size, canary }, deps)]);
  span?.committed();
  return undefined;
}

interface AnsweredCall {
  readonly call: RecordCall;
  readonly size: CallSize;
  /** Its vector is not recorded; its tokens are divided among the inputs. */
  readonly canary: SentCanary | undefined;
}

async function commitVectors(
  inputs: readonly EmbeddingInput[],
  { vectors, dimensions, usage }: EmbeddingResponse,
  { call, size: answered, canary }: AnsweredCall,
  deps: FailureDeps,
): Promise<void> {
  const bytes = Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const tokens = distributeTokens(inputs, usage.totalTokens);
  const positions = new Map(inputs.map((input, i) => [input, i]));
  const recordOf = (input: EmbeddingInput) => {
    const position = positions.get(input) ?? 0;
    const row = canary && position >= canary.place ? position + 1 : position;
    return {
      index: input.index,
      attempts: input.attempts + 1,
      tokens: tokens[position] ?? input.tokens,
      vector: bytes.subarray(row * dimensions * 4, (row + 1) * dimensions * 4),
      call,
    };
  };
  await commitRecords(inputs, recordOf, { dimensions, answered }, deps);
}
