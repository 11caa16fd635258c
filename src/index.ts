/**
 * The library: what a program needs to call providers within their limits, to read what runs have written, and to
 * test against the simulator. Everything else may change with any version.
 */

export type { Account } from "./config/accounts.ts";
export { type Config, type ConfigSources, loadConfig, revealAccount } from "./config.ts";
export {
  ConfigError,
  InputError,
  PROVIDER_ERROR_KINDS,
  ProviderError,
  type ProviderErrorDetails,
  type ProviderErrorKind,
  RunError,
} from "./core/errors.ts";
export { formatLane, type Lane, type LaneLimits } from "./core/lane.ts";
export type {
  LaneStatus,
  Limiter,
  LimiterOptions,
  Reservation,
  ReserveReply,
  Settlement,
  Throttle,
} from "./limiter/limiter.ts";
export { createRedisLimiter } from "./limiter/redis-limiter.ts";
export { type RunManifest, readManifest } from "./producer/run/run-manifest.ts";
export { type Hit, nearest } from "./producer/search/nearest.ts";
export { openResult } from "./producer/search/open-result.ts";
export type { Result, ResultBlock, ResultItem } from "./producer/search/result.ts";
export type {
  Call,
  ChatEvent,
  ChatMessage,
  ChatModel,
  ChatRequest,
  ChatResponse,
  EmbeddingModel,
  EmbeddingPurpose,
  EmbeddingRequest,
  EmbeddingResponse,
  ModelData,
  Provider,
  ProviderAccount,
  Usage,
} from "./providers/provider.ts";
export { createProvider, findModel, listModelNames, UnknownModelError } from "./providers/registry.ts";
export { createTransport, type TransportOptions } from "./providers/transport/http.ts";
export type { Transport } from "./providers/transport/transport.ts";
export { openRedis, type RedisSource, type RedisSourceOptions } from "./redis/connection.ts";
export { createKeys, type Keys } from "./redis/keys.ts";
export { parseRedisUrl, type RedisTarget } from "./redis/url.ts";
export {
  SIMULATOR_API_KEY,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "./simulator/simulator.ts";
