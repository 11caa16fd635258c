import type { Clock } from "#src/core/clock.ts";
import { ProviderError } from "#src/core/errors.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { ChatModel, EmbeddingModel } from "#src/providers/provider.ts";
import type { ChatPayload, EmbeddingPayload } from "#src/queues/payload.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { CallObserver } from "#src/workers/calls/call-observer.ts";
import { type BatchRequest, runBatch } from "#src/workers/calls/run-batch.ts";
import { runChat } from "#src/workers/calls/run-chat.ts";
import type { ReturnToQueue } from "#src/workers/jobs/job-completion.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import type { ChatInput } from "./chat-input.ts";
import type { EmbeddingInput } from "./embedding-input.ts";
import { LaneChooser, type ModelLane } from "./lane-chooser.ts";
import { type DispatcherOptions, ModelDispatcher } from "./model-dispatcher.ts";

export interface DispatcherRegistryDeps {
  readonly limiter: Limiter;
  readonly client: RedisClient;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** Aborts calls in flight: the grace period is over. */
  readonly signal: AbortSignal;
  /** Upstream calls in flight at once per model, whatever the lanes allow; absent: as below. */
  readonly calls?: number;
  readonly lingerMs: number;
  readonly canCall: () => boolean;
  readonly observer?: CallObserver;
  readonly embeddingLanes: (provider: string, model: string) => readonly ModelLane<EmbeddingModel>[];
  readonly chatLanes: (provider: string, model: string) => readonly ModelLane<ChatModel>[];
}

/**
 * Calls in flight of one model. An answer to an embedding call is some 160 KB of JSON, and there may be as many of them
 * in memory as calls: with more, a worker would pass 300 MB. A chat's answer is small and takes long.
 */
const CALLS = { embedding: 160, chat: 256 } as const;

/** The groups of a worker, each made when its first job comes. */
export class DispatcherRegistry {
  readonly #deps: DispatcherRegistryDeps;
  readonly #embedding = new Map<string, ModelDispatcher<EmbeddingInput, EmbeddingModel>>();
  readonly #chat = new Map<string, ModelDispatcher<ChatInput, ChatModel>>();

  constructor(deps: DispatcherRegistryDeps) {
    this.#deps = deps;
  }

  /** Undefined when this worker has no credentials for the model. */
  embedding({
    provider,
    model,
    purpose,
    dimensions,
  }: EmbeddingPayload): ModelDispatcher<EmbeddingInput, EmbeddingModel> | undefined {
    const key = JSON.stringify([provider, model, purpose, dimensions]);
    const known = this.#embedding.get(key);
    if (known) return known;
    const lanes = this.#deps.embeddingLanes(provider, model);
    const first = lanes[0]?.model;
    if (!first) return undefined;
    const request: BatchRequest = { purpose, dimensions };
    const limits = {
      maxInputs: first.maxInputs,
      maxTokens: first.maxBatchTokens,
    };
    const dispatcher = new ModelDispatcher(
      new LaneChooser(this.#deps.limiter, lanes),
      this.#options("embedding", limits),
      {
        ...this.#deps,
        call: (inputs: readonly EmbeddingInput[], grant, onReservationReleased) =>
          runBatch(inputs, grant, request, { ...this.#deps, onReservationReleased }),
      },
    );
    this.#embedding.set(key, dispatcher);
    return dispatcher;
  }

  /** Undefined when this worker has no credentials for the model. */
  chat({ provider, model }: ChatPayload): ModelDispatcher<ChatInput, ChatModel> | undefined {
    const key = JSON.stringify([provider, model]);
    const known = this.#chat.get(key);
    if (known) return known;
    const lanes = this.#deps.chatLanes(provider, model);
    if (lanes.length === 0) return undefined;
    const dispatcher = new ModelDispatcher(
      new LaneChooser(this.#deps.limiter, lanes),
      this.#options("chat", { maxInputs: 1 }),
      {
        ...this.#deps,
        call: (inputs: readonly ChatInput[], grant) => runChat(inputs, grant, this.#deps),
      },
    );
    this.#chat.set(key, dispatcher);
    return dispatcher;
  }

  /** Reservations of all calls in flight, lane by lane. */
  *inFlight(): Generator<readonly [ModelLane<unknown>["lane"], readonly string[]]> {
    for (const dispatchers of [this.#embedding, this.#chat]) {
      for (const dispatcher of dispatchers.values())
        for (const [{ lane }, ids] of dispatcher.inFlight()) yield [lane, ids];
    }
  }

  /** Gives back what a run (or an item on its own) has waiting here; calls in flight go on. */
  returnToQueue(reason: ReturnToQueue, runId: string): void {
    for (const dispatchers of [this.#embedding, this.#chat]) {
      for (const dispatcher of dispatchers.values()) dispatcher.returnToQueue(reason, (input) => input.runId === runId);
    }
  }

  async stop(reason: ReturnToQueue): Promise<void> {
    await Promise.all(
      [...this.#embedding.values(), ...this.#chat.values()].map((dispatcher) => dispatcher.stop(reason)),
    );
  }

  #options(kind: keyof typeof CALLS, limits: DispatcherOptions["limits"]): DispatcherOptions {
    const { calls = CALLS[kind], lingerMs, canCall } = this.#deps;
    return { limits, maxCalls: calls, lingerMs, canCall };
  }
}

/** A model the provider does not have is no reason to give the job back for ever: its items fail, and say so. */
export function findDispatcher<G>(find: () => G | undefined): G | ProviderError | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
}
