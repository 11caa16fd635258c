import type { Clock } from "#src/core/clock.ts";
import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { ProviderError } from "#src/core/failures/errors.ts";
import { formatLane, type Lane, type LaneLimits } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { ChatModel, EmbeddingModel, RerankModel } from "#src/providers/provider.ts";
import type { EmbeddingPayload } from "#src/queues/payload.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { CallObserver } from "#src/workers/calls/call-observer.ts";
import type { FailureDeps } from "#src/workers/calls/handle-failure.ts";
import { LaneProber } from "#src/workers/calls/lane-prober.ts";
import { LimitReports } from "#src/workers/calls/limit-reports.ts";
import { runChatCall } from "#src/workers/calls/run-chat-call.ts";
import { type BatchRequest, runBatch } from "#src/workers/calls/run-embedding-call.ts";
import { runRerankCall } from "#src/workers/calls/run-rerank-call.ts";
import { CanaryWatch } from "#src/workers/canaries/canary-watch.ts";
import type { HangSettings } from "#src/workers/hanging/hang-detector.ts";
import { HangingCalls } from "#src/workers/hanging/hanging-calls.ts";
import type { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import type { ChatInput } from "./chat-input.ts";
import type { EmbeddingInput } from "./embedding-input.ts";
import { type Grant, LaneChooser, type ModelLane } from "./lane-chooser.ts";
import { type DispatcherOptions, ModelDispatcher } from "./model-dispatcher.ts";
import type { PendingInput } from "./pending-input.ts";
import type { RerankInput } from "./rerank-input.ts";

export interface DispatcherRegistryDeps {
  readonly limiter: Limiter;
  readonly client: RedisClient;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** Aborts calls in flight when the grace period is over. */
  readonly signal: AbortSignal;
  /** Upstream calls in flight at once per model, whatever the lanes allow; by default `DEFAULT_MAX_CALLS`. */
  readonly calls?: number;
  readonly lingerMs: number;
  readonly canCall: () => boolean;
  readonly observer?: CallObserver;
  /** The id of this worker. */
  readonly worker: string;
  readonly hanging: Partial<HangSettings>;
  readonly embeddingLanes: (provider: string, model: string) => readonly ModelLane<EmbeddingModel>[];
  readonly chatLanes: (provider: string, model: string) => readonly ModelLane<ChatModel>[];
  readonly rerankLanes?: (provider: string, model: string) => readonly ModelLane<RerankModel>[];
}

interface ModelKey {
  readonly provider: string;
  readonly model: string;
}

/**
 * Calls in flight per model. The answer to an embedding call is about 160 KB of JSON, and as many answers as calls may
 * be in memory: with more, a worker would exceed 300 MB. A chat answer is small and takes long; a rerank request may be large.
 */
const DEFAULT_MAX_CALLS = { embedding: 160, chat: 256, rerank: 64 } as const;

/** The dispatchers of a worker, each created with its first job. */
export class DispatcherRegistry {
  readonly #deps: DispatcherRegistryDeps & Pick<FailureDeps, "prober" | "limitReports" | "hangingCalls">;
  readonly #embedding = new Map<string, ModelDispatcher<EmbeddingInput, EmbeddingModel>>();
  readonly #chat = new Map<string, ModelDispatcher<ChatInput, ChatModel>>();
  readonly #rerank = new Map<string, ModelDispatcher<RerankInput, RerankModel>>();

  readonly #laneLimits = new Map<string, LaneLimits>();

  constructor(deps: DispatcherRegistryDeps) {
    const hangingCalls = new HangingCalls({ ...deps, settings: deps.hanging });
    hangingCalls.start();
    this.#deps = { ...deps, prober: new LaneProber(), limitReports: new LimitReports(deps.limiter), hangingCalls };
  }

  /** Undefined when this worker has no credentials for the model. */
  embedding({
    provider,
    model,
    purpose,
    dimensions,
    options,
    tokenIds,
  }: EmbeddingPayload): ModelDispatcher<EmbeddingInput, EmbeddingModel> | undefined {
    const key = JSON.stringify([provider, model, purpose, dimensions, options, tokenIds]);
    const existing = this.#embedding.get(key);
    if (existing) return existing;
    const lanes = this.#deps.embeddingLanes(provider, model);
    const first = lanes[0]?.model;
    if (!first) return undefined;
    this.#recordLimits(lanes);
    const request: BatchRequest = { purpose, dimensions, options, tokenIds };
    const limits = { maxInputs: first.maxInputs, maxTokens: first.maxBatchTokens };
    const canaries = new CanaryWatch(first.maxInputs, this.#deps.clock);
    const dispatcher = new ModelDispatcher(
      new LaneChooser(this.#deps.limiter, lanes),
      this.#options("embedding", limits),
      {
        ...this.#deps,
        roomForCanary: (input: EmbeddingInput) => canaries.roomFor(input),
        call: (inputs: readonly EmbeddingInput[], grant, onReservationReleased, hasCanary) =>
          runBatch(inputs, grant, request, { ...this.#deps, canaries, hasCanary, onReservationReleased }),
      },
    );
    this.#embedding.set(key, dispatcher);
    return dispatcher;
  }

  /** Undefined when this worker has no credentials for the model. */
  chat(key: ModelKey): ModelDispatcher<ChatInput, ChatModel> | undefined {
    return this.#findSingle("chat", key, this.#chat, this.#deps.chatLanes, (inputs, grant) =>
      runChatCall(inputs, grant, this.#deps),
    );
  }

  /** Undefined when this worker has no credentials for the model. */
  rerank(key: ModelKey): ModelDispatcher<RerankInput, RerankModel> | undefined {
    return this.#findSingle("rerank", key, this.#rerank, this.#deps.rerankLanes ?? (() => []), (inputs, grant) =>
      runRerankCall(inputs, grant, this.#deps),
    );
  }

  /** The dispatcher of a model that takes one input per call. */
  #findSingle<I extends PendingInput, M>(
    kind: "chat" | "rerank",
    { provider, model }: ModelKey,
    dispatchers: Map<string, ModelDispatcher<I, M>>,
    listLanes: (provider: string, model: string) => readonly ModelLane<M>[],
    call: (inputs: readonly I[], grant: Grant<M>) => Promise<FailureDecision | undefined>,
  ): ModelDispatcher<I, M> | undefined {
    const key = JSON.stringify([provider, model]);
    const existing = dispatchers.get(key);
    if (existing) return existing;
    const lanes = listLanes(provider, model);
    if (lanes.length === 0) return undefined;
    this.#recordLimits(lanes);
    const chooser = new LaneChooser(this.#deps.limiter, lanes);
    const dispatcher = new ModelDispatcher(chooser, this.#options(kind, { maxInputs: 1 }), { ...this.#deps, call });
    dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  /** The configured limits of the lanes of all dispatchers, by name. */
  laneLimits(): Readonly<Record<string, LaneLimits>> {
    return Object.fromEntries(this.#laneLimits);
  }

  #recordLimits(lanes: readonly Pick<ModelLane<unknown>, "lane" | "limits">[]): void {
    for (const { lane, limits } of lanes) this.#laneLimits.set(formatLane(lane), limits);
  }

  /** Reservations of all calls in flight, probes included, by lane. */
  inFlight(): (readonly [Lane, readonly string[]])[] {
    const calls = this.#all().flatMap((dispatcher) =>
      [...dispatcher.inFlight()].map(([{ lane }, ids]) => [lane, ids] as const),
    );
    return [...calls, ...this.#deps.prober.inFlight()];
  }

  countCallsInFlight(): number {
    return this.inFlight().reduce((sum, [, ids]) => sum + ids.length, 0);
  }

  /** Returns the waiting inputs of a run (or of a standalone item) to the queue; calls in flight continue. */
  returnToQueue(reason: ReturnToQueue, runId: string): void {
    for (const dispatcher of this.#all()) dispatcher.returnToQueue(reason, (input) => input.runId === runId);
  }

  async stop(reason: ReturnToQueue): Promise<void> {
    await Promise.all(this.#all().map((dispatcher) => dispatcher.stop(reason)));
    this.#deps.hangingCalls.stop();
  }

  #all() {
    return [...this.#embedding.values(), ...this.#chat.values(), ...this.#rerank.values()];
  }

  #options(kind: keyof typeof DEFAULT_MAX_CALLS, limits: DispatcherOptions["limits"]): DispatcherOptions {
    const { calls: maxCalls = DEFAULT_MAX_CALLS[kind], lingerMs, canCall } = this.#deps;
    return { limits, maxCalls, lingerMs, canCall };
  }
}

/**
 * Returns the error of a model that the provider does not have, instead of throwing it: returning the job to the queue
 * would not help, so its items fail with that error.
 */
export function findDispatcher<D>(find: () => D | undefined): D | ProviderError | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}
