import { LruCache } from "#src/core/lru-cache.ts";
import { type CallPace, PaceTracker } from "./call-pace.ts";

export interface HangSettings {
  /** False: hanging calls are only reported. */
  readonly abort: boolean;
  /** A call hangs that takes this many times longer than 95 % of the latest calls of its kind, ... */
  readonly factor: number;
  /** ... and at least this long. While many calls hang, both are reduced. */
  readonly leastMs: number;
}

export const HANG_DEFAULTS: HangSettings = { abort: true, factor: 10, leastMs: 10_000 };

/** A call from its start to its answer or error. */
export interface ObservedCall {
  /** Calls of one kind are of similar length: those of one run, or those of all standalone items. */
  readonly kind: string;
  /** Estimated. */
  readonly tokens: number;
  /** Failed attempts that were charged to its inputs: their next call may take longer. */
  readonly attempts: number;
  /** Its failure would be final: it is left to the time limits of its provider. */
  readonly isLast: boolean;
  readonly sentAt: number;
  /** When it was sent, or its stream last delivered something. */
  aliveAt: number;
  /** Answers of the lane before this call was sent. */
  readonly answersBefore: number;
}

/** What hangs on a lane at one moment. */
export interface HangJudgement<C> {
  /** Calls that exceed `limitMs`, scaled by their sizes and attempts. */
  readonly hanging: readonly C[];
  /** To be aborted now. */
  readonly aborted: readonly C[];
  /** Whether other calls are answered meanwhile; if not, `aborted` is the one call that tests the lane. */
  readonly isAnswering: boolean;
  readonly limitMs: number;
  /** The median duration. */
  readonly usualMs: number;
}

/** Hanging calls should occupy at most this share of the time of all calls; to that end, the limit is lowered. */
const MAX_HANGING_TIME = 0.15;
/** The limit is never lower than this: a call that is only slow would be paid for twice, and on a busy machine most calls are. */
const LEAST = { factor: 2, ms: 2_000 };
/** A call that takes this much longer than 95 % of the others is overdue. */
const OVERDUE_FACTOR = 1.2;
/** A lane is answering if most of this many calls, the latest to be decided, were answered. */
const LATEST_CALLS = 6;
const MIN_ANSWERS_MEANWHILE = 3;
/** How often a lane that does not answer is tested: every 5 s at first, then less and less often. */
const TEST = { leastMs: 5_000, mostMs: 60_000, shareOfSilence: 0.1 };
/** The share of the calls in flight that may be aborted in the time in which a hanging call is recognized. */
const MAX_ABORTED_SHARE = 0.25;
const MAX_ENDED = 64;
const MAX_KINDS = 32;

/**
 * Finds the hanging calls of one lane in one worker. A call hangs if it takes much longer than usual while other calls are
 * answered. Where all calls are slow, the provider may be loading a model: only the newest call is aborted then, from time to
 * time, so that the next call finds out whether the lane answers again. All times are in ms on one clock.
 */
export class HangDetector<C extends ObservedCall> {
  readonly #settings: HangSettings;
  readonly #trackers = new LruCache<string, PaceTracker>(MAX_KINDS);
  /** In the order in which they were sent. */
  readonly #open = new Set<C>();
  /** The latest calls that were answered or hung. */
  #ended: { readonly sentAt: number; readonly isAnswered: boolean; readonly at: number }[] = [];
  #answers = 0;
  #answeredAt: number | undefined;

  constructor(settings: HangSettings) {
    this.#settings = settings;
  }

  /** Answers of the lane so far. */
  get answers(): number {
    return this.#answers;
  }

  start(call: C): void {
    this.#open.add(call);
  }

  /** Idempotent. */
  end(call: C, outcome: "answered" | "hung" | "failed", now: number): void {
    if (!this.#open.delete(call) || outcome === "failed") return;
    const isAnswered = outcome === "answered";
    const tracker = this.#trackers.get(call.kind) ?? new PaceTracker();
    this.#trackers.set(call.kind, tracker);
    const { sentAt, tokens, attempts } = call;
    tracker.add(isAnswered ? { durationMs: now - sentAt, tokens, isRetry: attempts > 0 } : "hung");
    this.#ended = [...this.#ended.slice(1 - MAX_ENDED), { sentAt, isAnswered, at: now }];
    if (!isAnswered) return;
    this.#answers += 1;
    this.#answeredAt = now;
  }

  /** Undefined if no call hangs. The caller aborts `aborted` and ends them as hung. */
  judge(now: number): HangJudgement<C> | undefined {
    const [oldest] = this.#open;
    if (!oldest || now - oldest.sentAt < LEAST.ms) return undefined;
    const isAnswering = this.#isAnswering(now);
    // For each kind once: the adapted limit depends on all calls.
    const limits = new Map<CallPace, number>();
    const limitOf = (pace: CallPace) => {
      const limit = limits.get(pace) ?? (isAnswering ? this.#adaptLimit(pace, now) : this.#longLimit(pace));
      limits.set(pace, limit);
      return limit;
    };
    const hanging = this.#listOver(limitOf, now);
    const pace = hanging[0] && this.#getPace(hanging[0]);
    if (!pace) return undefined;
    const aborted = this.#settings.abort ? this.#chooseAborted(hanging, isAnswering, now) : [];
    return { hanging, aborted, isAnswering, limitMs: limitOf(pace), usualMs: pace.usualMs };
  }

  #getPace({ kind }: C): CallPace | undefined {
    return this.#trackers.get(kind)?.pace;
  }

  /** Calls in flight that exceed the limit of their kind. */
  #listOver(limitOf: (pace: CallPace) => number, now: number): C[] {
    return [...this.#open].filter((call) => {
      const pace = this.#getPace(call);
      return pace !== undefined && now - call.aliveAt > limitOf(pace) * scaleLimit(call, pace);
    });
  }

  /** The latest calls to be decided, in the order of their sending: answered, hung, or overdue. */
  #isAnswering(now: number): boolean {
    const overdue = this.#listOver(({ p95Ms }) => p95Ms * OVERDUE_FACTOR, now);
    const decided = [...overdue.map(({ sentAt }) => ({ sentAt, isAnswered: false })), ...this.#ended];
    const latest = decided.sort((a, b) => b.sentAt - a.sentAt).slice(0, LATEST_CALLS);
    return latest.filter(({ isAnswered }) => isAnswered).length > LATEST_CALLS / 2;
  }

  #longLimit(pace: CallPace): number {
    return Math.max(pace.p95Ms * this.#settings.factor, this.#settings.leastMs, shortestLimit(pace));
  }

  /** The more calls hang, the sooner they are aborted: the limit at which they take `MAX_HANGING_TIME` of the lane's time. */
  #adaptLimit(pace: CallPace, now: number): number {
    const longest = this.#longLimit(pace);
    const shortest = shortestLimit(pace);
    const ofKind = (each: CallPace) => (each === pace ? shortest : Number.POSITIVE_INFINITY);
    const answersPerHung = pace.answered / (pace.hung + this.#listOver(ofKind, now).length);
    const limit = (MAX_HANGING_TIME / (1 - MAX_HANGING_TIME)) * answersPerHung * pace.meanMs;
    return Math.min(longest, Math.max(shortest, limit));
  }

  #chooseAborted(hanging: readonly C[], isAnswering: boolean, now: number): C[] {
    if (!isAnswering) return this.#chooseTest(now);
    const candidates = hanging.filter(
      (call) => !call.isLast && this.#answers - call.answersBefore >= MIN_ANSWERS_MEANWHILE,
    );
    const pace = candidates[0] && this.#getPace(candidates[0]);
    if (!pace) return [];
    const aborted = this.#ended.filter(({ isAnswered, at }) => !isAnswered && now - at < shortestLimit(pace)).length;
    return candidates.slice(0, Math.max(0, Math.ceil(this.#open.size * MAX_ABORTED_SHARE) - aborted));
  }

  /** The newest call, if it has had the time to be answered. A call that is alone is never aborted. */
  #chooseTest(now: number): C[] {
    const newest = [...this.#open].at(-1);
    const pace = newest && this.#getPace(newest);
    if (!pace || this.#open.size < 2) return [];
    const silenceMs = now - (this.#answeredAt ?? now);
    const pauseMs = Math.min(TEST.mostMs, Math.max(TEST.leastMs, silenceMs * TEST.shareOfSilence));
    return now - newest.aliveAt > Math.max(pauseMs, shortestLimit(pace)) ? [newest] : [];
  }
}

/** If inputs that were called again needed this long after all, their earlier calls were slow, and did not hang. */
function shortestLimit({ p95Ms, longestRetryMs }: CallPace): number {
  return Math.max(p95Ms * LEAST.factor, longestRetryMs * OVERDUE_FACTOR, LEAST.ms);
}

/** Larger calls take longer, and inputs whose earlier call was too slow may need more time. */
function scaleLimit({ tokens, attempts }: ObservedCall, { p95Tokens }: CallPace): number {
  return Math.max(1, p95Tokens === 0 ? 1 : tokens / p95Tokens) * 2 ** attempts;
}
