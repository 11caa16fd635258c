import type { Clock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { Tracer } from "#src/core/tracer.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { AnswerResolver } from "#src/producer/cache/answer-resolver.ts";
import type { ItemQuery } from "#src/producer/items/item-query.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import type { RunCounters } from "#src/state/runs/run-ledger.ts";
import type { RunBudget } from "./budget/run-budget.ts";
import type { RunQueues } from "./feeding/run-queues.ts";
import type { Lease } from "./lease.ts";
import type { FindOffPeak, OffPeakHold } from "./off-peak-hold.ts";
import type { ModelPrices } from "./progress/run-costs.ts";
import type { RunSnapshot } from "./progress/run-snapshot.ts";

/** A lane that a run can use, with its effective limits and the "host:port" that its calls go to. */
export interface RunLane {
  readonly lane: Lane;
  readonly limits: LaneLimits;
  readonly address?: string;
}

/** Everything that a command gives a run: connections, limits, options and listeners. */
export interface RunEnvironment {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly limiter: Limiter;
  readonly lanes: readonly RunLane[];
  readonly windowSize: number;
  /** The price of all models of the run; absent if it is unknown or differs between them. */
  readonly price?: TokenPrice;
  /** The prices of its models; without them, the cost is unknown. */
  readonly prices?: ModelPrices;
  /** Cost cap in the currency of `price`, which it requires. */
  readonly maxCost?: number;
  /** The run stops if a provider asks for a longer wait, in ms. */
  readonly maxWaitMs?: number;
  /** Set if the run waits for low prices. */
  readonly findOffPeak?: FindOffPeak;
  /** Failures, or empty answers, to reset before the run starts. */
  readonly retry?: ItemQuery;
  /** Keep the database of a run without failures. */
  readonly keepDatabase: boolean;
  /** Whose run it is, if it was started over the HTTP API. */
  readonly tenant?: TenantShare;
  /** Records a span for each job; absent while traces are off. */
  readonly tracer?: Tracer;
  readonly clock: Clock;
  readonly onSnapshot: (snapshot: RunSnapshot) => void;
  readonly onEvent: (event: ExecutionEvent) => void;
  /** Called before the run stops early. Resolves when this command's workers have committed their calls in flight. */
  readonly onStopping?: () => Promise<void>;
  /** How long workers let calls in flight continue after a stop, in ms; for messages only. */
  readonly graceMs?: number;
  readonly signal: AbortSignal;
}

export type ExecutionEvent =
  | CoordinatorEvent
  | { readonly type: "waiting-for-lease"; readonly holder: string }
  | RetriedEvent
  /** Any other message for the user, one sentence. */
  | { readonly type: "note"; readonly message: string };

export type CoordinatorEvent =
  | { readonly type: "redis-lost-run"; readonly refed: number }
  | { readonly type: "job-requeued"; readonly items: number };

/** The outcome of the items whose failures were reset, once the run has ended. */
export interface RetriedEvent {
  readonly type: "retried";
  /** Number of items that were reset. */
  readonly items: number;
  readonly succeeded: number;
  readonly failed: number;
}

export interface RunTick {
  readonly inFlight: number;
  readonly isPaused?: boolean;
  /** See `OffPeakHold.until`. */
  readonly heldUntil?: number;
}

/** The state of one run while it is coordinated, shared by the coordinator, its feeder and its collector. */
export interface RunContext extends Pick<RunEnvironment, "clock" | "windowSize" | "onStopping" | "signal"> {
  readonly control: RunControl;
  readonly hold: OffPeakHold;
  readonly lease: Lease;
  readonly queues: RunQueues;
  /** A connection of its own for blocking reads. */
  readonly blocking: RedisClient;
  readonly store: RunStore;
  /** The items from an index on, in order, as blocks. */
  readonly readItems: (from: number) => AsyncIterable<readonly Item[]>;
  readonly jobs: JobFactory;
  /** Items that it resolves, or that other runs are requesting, are not fed. */
  readonly resolver?: AnswerResolver;
  /** Items beyond it are not fed. The run stops when it allows no further item. */
  readonly budget?: RunBudget;
  /** The last counters that were read, added to those in Redis when it has lost the run. */
  readonly counters: () => RunCounters;
  /** The run was opened in Redis, which had no counters if `hasLostCounts`. */
  readonly onOpened?: (hasLostCounts: boolean) => void;
  readonly countCallsInFlight?: () => number;
  /** How long a call of the run usually takes, in ms, if it is known. */
  readonly usualCallMs?: () => number | undefined;
  /** Called about twice a second while the run is coordinated. Throws a RunStoppedError to stop it. */
  readonly onTick: (state: RunTick) => Promise<void>;
  /** Called before records are removed from Redis. Throws if the files that have them are not in the run's folder any more. */
  readonly checkFolder?: () => Promise<void>;
  /** Records have been stored; some may have been read twice. */
  readonly onRecords?: (records: readonly WireRecord[]) => void;
  readonly onEvent: (event: CoordinatorEvent) => void;
  /**
   * The coordinator aborts it with the reason when the run stops before its end. Rejected commands are not retried from
   * then on.
   */
  readonly failure: AbortController;
}
