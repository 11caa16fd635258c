/** Configuration, the limiter, providers and Redis connections, for programs that call providers themselves. */

export type { Account } from "./config/accounts.ts";
export { type Config, type ConfigSources, loadConfig, revealAccount } from "./config/config.ts";
export { ProviderError, type ProviderErrorDetails } from "./core/failures/errors.ts";
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
export type {
  Call,
  ChatEvent,
  ChatModel,
  EmbeddingModel,
  EmbeddingRequest,
  EmbeddingResponse,
  ModelData,
  Provider,
  ProviderAccount,
} from "./providers/provider.ts";
export { createRegistry, type ProviderRegistry } from "./providers/registry.ts";
export { createTransport, type TransportOptions } from "./providers/transport/http.ts";
export type { Transport } from "./providers/transport/transport.ts";
export { UnknownModelError } from "./providers/unknown-model-error.ts";
export { openRedis, type RedisSource, type RedisSourceOptions } from "./redis/connection.ts";
export { createKeys, type Keys } from "./redis/keys.ts";
export { parseRedisUrl, type RedisTarget } from "./redis/url.ts";
