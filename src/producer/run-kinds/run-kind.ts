import type { Clock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import type { TokenCount } from "#src/core/money.ts";
import type { AnswerResolver } from "#src/producer/cache/answer-resolver.ts";
import type { PublishedOutput } from "#src/producer/output/publish-output.ts";
import type { Plan, PlanProgress } from "#src/producer/plan/plan.ts";
import type { BaseManifest } from "#src/producer/runs/base-manifest.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { JobFactory } from "./job-factory.ts";

/**
 * Everything that differs between kinds of runs: how a run is planned, which jobs its items become, where its records
 * go and how its output is written. There is one folder per kind beside this file.
 */
export interface RunKind<M extends RunManifest> extends RunExecution<M> {
  readonly planner: RunPlanner<M>;
}

/** The part of a run kind that a planned run needs. A retry needs no more, because its items are planned. */
export interface RunExecution<M extends RunManifest> {
  /** Number of items in Redis at once, unless configured otherwise. */
  readonly defaultWindow: number;
  /** "provider/model" of every model that the run calls. */
  listModels(manifest: M): readonly string[];
  /** Maximum number of inputs per upstream call. */
  getInputsPerCall(manifest: M): number;
  open(run: PreparedRun<M>, services: RunKindServices): RunParts;
}

export interface RunKindServices {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Shows one sentence to the user. */
  readonly notify: (message: string) => void;
}

export interface RunParts {
  readonly jobs: RunJobs;
  readonly records: RunRecords;
  /** Whether `writeOutput` may be called while the run is in progress; it then writes records as they become durable. */
  readonly writesWhileRunning: boolean;
  /** Writes the output of the run. It can be killed and repeated. */
  writeOutput(store: RunStore, hooks: OutputHooks): Promise<PublishedOutput>;
}

export interface OutputHooks {
  readonly onProgress: () => void;
  /** Called for every answer in which the model refused to answer, or that a content filter cut off. */
  readonly onRefusal: () => void;
  readonly signal: AbortSignal;
}

export interface RunJobs {
  readonly factory: JobFactory;
  /** Names of all queues that the jobs go to. */
  readonly queues: readonly string[];
  /** The tokens that an item may be charged; by default its own tokens, as input. */
  readonly estimateTokens?: (item: Item) => TokenCount;
}

export interface RunRecords {
  openStore(): Promise<RunStore>;
  /** Opens the look-up of items in the answer cache and in other runs; closed when the coordinator stops. */
  openAnswerResolver?(store: RunStore): Promise<AnswerResolver>;
  /** Called when records have been stored, to delete what only their jobs needed. */
  onStored?(records: readonly WireRecord[]): void;
}

export interface RunPlanner<M extends RunManifest> {
  /** The models, if they are known before the input is read. Their credentials are then checked first. */
  readonly models?: readonly string[];
  /** Writes the items to the database of a run in `dir`, unless the plan is rejected. */
  plan(dir: string, hooks: PrepareHooks): Promise<Plan>;
  /** The manifest of a new run; `createBase` provides the fields that all kinds share. `plan` is a result of `plan()`. */
  createManifest(plan: Plan, createBase: (kind: RunManifest["kind"]) => BaseManifest): M;
  /** The manifest of the run in the folder if it is the requested run, otherwise the differences. */
  matchExistingRun(existing: RunManifest, hooks: PrepareHooks): Promise<M | Differences>;
}

/** Why the run in a folder is not the requested one, as clauses that follow "contains another run: ". */
export type Differences = readonly string[];

export interface PreparedRun<M extends RunManifest = RunManifest> {
  readonly dir: string;
  readonly manifest: M;
  readonly resumed: boolean;
  /** Releases the folder lock; idempotent. */
  readonly unlock: () => Promise<void>;
}

export interface PrepareHooks {
  /** The folder is locked, and its sources are about to be read. */
  readonly onPlanning?: () => void;
  readonly onProgress?: (progress: PlanProgress) => void;
  /** Something that the user should know about the plan, in one sentence. */
  readonly onNote?: (message: string) => void;
  readonly signal?: AbortSignal;
}
