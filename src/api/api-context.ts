import type { Clock } from "#src/core/clock.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import type { RequestChecker } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { AccessControl } from "./access/caller.ts";
import type { BatchRunner } from "./batches/batch-runner.ts";
import type { BatchStore } from "./batches/batch-store.ts";
import type { FileStore } from "./files/file-store.ts";
import type { ModelDirectory } from "./models/model-directory.ts";
import type { ApiMetrics } from "./operations/api-metrics.ts";
import type { MemoryGuard } from "./operations/memory-guard.ts";
import type { UploadStore } from "./uploads/upload-store.ts";

/** How the server behaves. */
export interface ApiSettings {
  /** How long a request waits for its answer, ms. The work continues afterwards. */
  readonly answerTimeoutMs: number;
  /** How long answers can be read after their request, ms. */
  readonly ttlMs: number;
}

/** What the routes need. */
export interface ApiContext {
  readonly registry: ProviderRegistry;
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly sluice: SluiceClient;
  readonly models: ModelDirectory;
  readonly access: AccessControl;
  readonly files: FileStore;
  readonly uploads: UploadStore;
  readonly batches: BatchStore;
  readonly runner: BatchRunner;
  /** Finds what the provider is known to reject or cannot express. */
  readonly checkRequest: RequestChecker;
  readonly settings: ApiSettings;
  readonly clock: Clock;
  readonly metrics: ApiMetrics;
  readonly memory: MemoryGuard;
  /** Aborts when the server begins to stop: requests that wait end with a resumable error. */
  readonly stopping: AbortSignal;
  /** Reports an error that is not the client's fault, with the route and the request id. */
  readonly onError: (error: Error, where: string, requestId: string) => void;
}
