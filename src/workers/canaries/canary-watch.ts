import { randomInt } from "node:crypto";
import type { Clock } from "#src/core/clock.ts";
import { formatIndices } from "#src/core/item-indices.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import type { EmbeddingInput } from "#src/workers/dispatch/embedding-input.ts";
import type { Sized } from "#src/workers/dispatch/pack-batch.ts";
import {
  CANARY_TEXT,
  CANARY_TOKENS,
  type CanaryAnswer,
  type CanaryMismatch,
  describeMismatch,
  judgeCanary,
} from "./judge-canary.ts";

/** Calls between two canaries, once there is a reference and a second canary has confirmed it. */
const CALLS_BETWEEN = 200;
/** Least tokens between two canaries: canaries are fewer than 0.1 % of all tokens. */
const TOKENS_BETWEEN = 1_250 * CANARY_TOKENS;
const CANARY_SIZE: Sized = { tokens: CANARY_TOKENS, bytes: Buffer.byteLength(CANARY_TEXT) };
/** A call that was granted before its lane was parked starts within this time. */
const PARK_SLACK_MS = 5_000;
/** Runs that are remembered; others start again with a new reference. */
const MAX_RUNS = 256;

/** A canary in a call that is being made, and the run that it is counted in. */
export interface SentCanary {
  readonly owner: EmbeddingInput;
  /** Place among the inputs of the call, from 0. */
  readonly place: number;
  /** What was known when the call started: a new reference does not apply to it. */
  readonly run: WatchedRun;
}

/** What to do about a call whose canary does not match. */
export interface CanaryVerdict {
  readonly message: string;
  /** The canaries of two calls in a row did not match: the provider cannot be trusted. */
  readonly isRepeated: boolean;
}

/** What is known about the canaries of a run. */
export interface WatchedRun {
  calls: number;
  tokens: number;
  canaries: number;
  /** The vector of the first canary, and whether a second one has confirmed it. */
  reference?: Float32Array;
  isConfirmed: boolean;
  /** Mismatches in a row. */
  mismatches: number;
  /** When the last canary matched, in epoch ms, and the items that were recorded since. */
  matchedAt: number;
  recorded: number[];
  /** The lane that was parked because of the canaries, and when. */
  parked?: { readonly lane: string; readonly at: number };
}

/**
 * Adds a known text, the canary, to a call of each run from time to time, and compares its vector with that of the run's first
 * canary. One per dispatcher, so that purpose and dimensions are the same.
 */
export class CanaryWatch {
  readonly #maxInputs: number;
  readonly #clock: Clock;
  readonly #runs = new LruCache<string, WatchedRun>(MAX_RUNS);

  constructor(maxInputs: number, clock: Clock) {
    this.#maxInputs = maxInputs;
    this.#clock = clock;
  }

  /** The room that a batch which starts with this input must leave for a canary; undefined if none is due. */
  roomFor(input: EmbeddingInput): Sized | undefined {
    // A canary takes one place, so a model with one input per call has none.
    if (!input.hasCanaries || this.#maxInputs < 2) return undefined;
    const { mismatches, tokens, calls, canaries } = this.#get(input.runId);
    if (mismatches > 0) return CANARY_SIZE;
    const isDue = tokens >= TOKENS_BETWEEN && (canaries < 2 || calls >= CALLS_BETWEEN);
    return isDue ? CANARY_SIZE : undefined;
  }

  /**
   * Counts a call that is about to be made on a lane. Returns its canary if its batch left room for one. A parked lane makes
   * calls again after somebody has opened it, so that the next canary becomes a new reference.
   */
  startCall(inputs: readonly EmbeddingInput[], hasRoom: boolean, lane: string): SentCanary | undefined {
    const owner = inputs.find(({ hasCanaries }) => hasCanaries);
    if (!owner) return undefined;
    const { parked } = this.#get(owner.runId);
    const isOpenedAgain = parked?.lane === lane && this.#clock.monotonic() - parked.at > PARK_SLACK_MS;
    const run = isOpenedAgain ? this.#create(owner.runId) : this.#get(owner.runId);
    run.calls += 1;
    run.tokens += inputs.reduce((sum, { tokens }) => sum + tokens, 0);
    if (!hasRoom) return undefined;
    run.calls = 0;
    run.tokens = 0;
    run.canaries += 1;
    return { owner, place: randomInt(inputs.length + 1), run };
  }

  /** Judges the answer to a call with a canary; undefined if its vectors may be recorded. */
  judge({ place, run }: SentCanary, answer: Omit<CanaryAnswer, "place">): CanaryVerdict | undefined {
    const mismatch = run.reference && judgeCanary({ ...answer, place }, run.reference);
    if (mismatch) {
      run.mismatches += 1;
      return { message: describe(mismatch, run), isRepeated: run.mismatches > 1 };
    }
    const { vectors, dimensions } = answer;
    if (run.reference) {
      run.isConfirmed = true;
      run.mismatches = 0;
      run.matchedAt = this.#clock.now();
      run.recorded = [];
    } else run.reference = vectors.slice(place * dimensions, (place + 1) * dimensions);
    return undefined;
  }

  /** The items of a call are about to be recorded. */
  recordItems(inputs: readonly EmbeddingInput[]): void {
    // Without canaries there is nothing that these items could be suspected of.
    if (this.#maxInputs < 2) return;
    for (const { hasCanaries, runId, index } of inputs) if (hasCanaries) this.#get(runId).recorded.push(index);
  }

  /** The lane of a call was parked because of its canary. */
  recordPark({ run }: SentCanary, lane: string): void {
    run.parked = { lane, at: this.#clock.monotonic() };
  }

  #get(runId: string): WatchedRun {
    return this.#runs.get(runId) ?? this.#create(runId);
  }

  #create(runId: string): WatchedRun {
    const run: WatchedRun = {
      calls: 0,
      tokens: 0,
      canaries: 0,
      isConfirmed: false,
      mismatches: 0,
      matchedAt: 0,
      recorded: [],
    };
    this.#runs.set(runId, run);
    return run;
  }
}

function describe(mismatch: CanaryMismatch, { matchedAt, recorded, isConfirmed }: WatchedRun): string {
  const since = isConfirmed
    ? `the last canary that matched (${new Date(matchedAt).toISOString()})`
    : "the start of the run, because no second canary has confirmed the first one";
  const items = recorded.length === 0 ? "" : `, among them the items ${formatIndices(recorded)}`;
  return `${describeMismatch(mismatch)}. All records since ${since} are suspect${items}`;
}
