import type { Clock } from "#src/core/clock.ts";
import { RETRY_DEFAULTS } from "#src/core/failures/decide-after-failure.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { formatLane, type Lane } from "#src/core/lane.ts";
import type { HangReport, Limiter } from "#src/limiter/limiter.ts";
import type { Call } from "#src/providers/provider.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import {
  HANG_DEFAULTS,
  HangDetector,
  type HangJudgement,
  type HangSettings,
  type ObservedCall,
} from "./hang-detector.ts";
import { HangingCallError } from "./hanging-call-error.ts";

export interface HangingCallsDeps {
  readonly limiter: Pick<Limiter, "reportHanging">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: WorkerLog;
  /** The id of this worker. */
  readonly worker: string;
  readonly settings: Partial<HangSettings>;
}

interface AbortableCall extends ObservedCall {
  abort(error: HangingCallError): void;
}

/** From the first hanging call of a lane until no call has hung for a while. */
interface Episode {
  lastHangAt: number;
  reportedAt: number;
  report: HangReport;
}

interface ObservedLane {
  readonly lane: Lane;
  readonly detector: HangDetector<AbortableCall>;
  episode?: Episode;
}

/** How often calls are judged. */
const HANG_CHECK_MS = 100;
const REPORT_INTERVAL_MS = 1_000;
const EPISODE_END_MS = 60_000;
/** Standalone items do not share a run. */
const STANDALONE = "standalone";

/** Aborts the hanging calls of a worker, and reports them once per lane. */
export class HangingCalls {
  readonly #deps: HangingCallsDeps;
  readonly #lanes = new Map<string, ObservedLane>();
  #checkedAt = Number.NaN;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: HangingCallsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), HANG_CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Makes a call. Rejects with a HangingCallError if it was aborted because it hung. */
  async run<R>(
    grant: Grant<unknown>,
    inputs: readonly PendingInput[],
    signal: AbortSignal,
    send: (call: Pick<Call, "signal" | "onAlive">) => Promise<R>,
  ): Promise<R> {
    const { clock } = this.#deps;
    const { detector } = this.#observeLane(grant.lane.lane);
    const hung = new AbortController();
    const call = { ...this.#describe(inputs, detector), abort: (error: HangingCallError) => hung.abort(error) };
    const onAlive = () => {
      call.aliveAt = clock.monotonic();
    };
    detector.start(call);
    try {
      const answer = await send({ signal: AbortSignal.any([signal, hung.signal]), onAlive });
      detector.end(call, "answered", clock.monotonic());
      return answer;
    } catch (error) {
      detector.end(call, "failed", clock.monotonic());
      throw hung.signal.aborted && !signal.aborted ? hung.signal.reason : error;
    }
  }

  #observeLane(lane: Lane): ObservedLane {
    const name = formatLane(lane);
    const observed = this.#lanes.get(name) ?? {
      lane,
      detector: new HangDetector({ ...HANG_DEFAULTS, ...this.#deps.settings }),
    };
    this.#lanes.set(name, observed);
    return observed;
  }

  #describe(inputs: readonly PendingInput[], { answers }: HangDetector<AbortableCall>): ObservedCall {
    const now = this.#deps.clock.monotonic();
    const [first] = inputs;
    const attempts = Math.max(0, ...inputs.map(({ chargedAttempts }) => chargedAttempts));
    return {
      kind: first?.ledger instanceof RunLedger ? first.runId : STANDALONE,
      tokens: inputs.reduce((sum, { tokens }) => sum + tokens, 0),
      attempts,
      isLast: inputs.length === 1 && attempts >= RETRY_DEFAULTS.maxAttempts - 1,
      sentAt: now,
      aliveAt: now,
      answersBefore: answers,
    };
  }

  /** Called every 100 ms. */
  check(): void {
    const now = this.#deps.clock.monotonic();
    // After a pause of this process, answers may have arrived that it has not read yet.
    const wasPaused = now - this.#checkedAt > HANG_CHECK_MS * 5;
    this.#checkedAt = now;
    if (wasPaused) return;
    for (const observed of this.#lanes.values()) {
      const judgement = observed.detector.judge(now);
      if (judgement) this.#onHanging(observed, judgement, now);
      else if (observed.episode) this.#onQuiet(observed, observed.episode, now);
    }
  }

  #onHanging(observed: ObservedLane, judgement: HangJudgement<AbortableCall>, now: number): void {
    const { lane, detector } = observed;
    const { hanging, aborted, isAnswering, limitMs, usualMs } = judgement;
    const before = observed.episode;
    const report = {
      ...{ calls: hanging.length, limitMs: Math.round(limitMs), usualMs: Math.round(usualMs) },
      aborted: (before?.report.aborted ?? 0) + aborted.length,
    };
    if (!before) {
      const action = isAnswering
        ? "they are aborted and made again; aborted calls may be paid"
        : "no other call is answered either: one call at a time is made again until the lane answers";
      const { calls, limitMs: longerThanMs } = report;
      this.#deps.log.warn("calls hang", {
        lane: formatLane(lane),
        calls,
        longerThanMs,
        usualMs: report.usualMs,
        action,
      });
    }
    observed.episode = { lastHangAt: now, reportedAt: before?.reportedAt ?? Number.NEGATIVE_INFINITY, report };
    for (const call of aborted) {
      detector.end(call, "hung", now);
      const details = { ageMs: now - call.aliveAt, usualMs, isLaneAnswering: isAnswering };
      call.abort(new HangingCallError(lane.provider, details));
    }
    this.#report(lane, observed.episode, now);
  }

  #onQuiet(observed: ObservedLane, episode: Episode, now: number): void {
    episode.report = { ...episode.report, calls: 0 };
    if (now - episode.lastHangAt < EPISODE_END_MS) {
      this.#report(observed.lane, episode, now);
      return;
    }
    observed.episode = undefined;
    const { aborted } = episode.report;
    this.#deps.log.info("no more calls hang", { lane: formatLane(observed.lane), aborted });
  }

  /** The report expires if it is not repeated. */
  #report(lane: Lane, episode: Episode, now: number): void {
    if (now - episode.reportedAt < REPORT_INTERVAL_MS) return;
    episode.reportedAt = now;
    const { limiter, log, worker } = this.#deps;
    limiter
      .reportHanging(lane, worker, episode.report)
      .catch((error) => log.warn("could not report hanging calls", { error: coerceError(error).message }));
  }
}
