import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { SimulatedVectorStore } from "#src/simulator/answers/vector-store.ts";
import type { CheckedCall, Endpoint } from "#src/simulator/server/endpoint.ts";
import type { SimulatedProvider } from "#src/simulator/server/simulated-provider.ts";
import { SparkChatServer } from "./chat-socket.ts";
import { createSparkEmbeddingEndpoints } from "./embedding-endpoint.ts";
import { createSparkHttpEndpoint } from "./http-endpoint.ts";

/** Default credentials of the simulated account. */
export const SIMULATED_SPARK = {
  appId: "simulapp",
  apiSecret: "simulator-secret",
  apiPassword: "simulator-password",
} as const;

const PREFIX = "/spark";
const EMBEDDING_PREFIX = "/spark-embedding";

export interface SparkSimulatorOptions {
  readonly appId?: string;
  readonly apiSecret?: string;
  readonly apiPassword?: string;
  /** `stripped`: a proxy removes `/spark` before signatures are checked. */
  readonly prefix?: "kept" | "stripped";
  /** How far the provider's clock is ahead of this machine's clock. */
  readonly clockAheadMs?: number;
  /** A connection without a request is closed after this time. Default 60 s, as at the provider. */
  readonly idleMs?: number;
}

export interface SparkAddresses {
  /** Base URL of chat over WebSocket. */
  readonly url: string;
  readonly httpUrl: string;
  readonly embeddingUrl: string;
}

export interface SparkSimulator {
  readonly endpoints: readonly Endpoint<CheckedCall>[];
  /** Handles an upgrade; returns false for a path of another endpoint. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  addresses(origin: string): SparkAddresses;
  close(): void;
}

/** A strict simulation of iFlytek Spark: chat over WebSocket and HTTP, and both embedding services. */
export function createSparkSimulator(
  options: SparkSimulatorOptions & { readonly apiKey: string },
  provider: SimulatedProvider,
  vectors: SimulatedVectorStore,
): SparkSimulator {
  const { clockAheadMs = 0, idleMs = 60_000, prefix = "kept", apiKey } = options;
  const common = {
    apiKey,
    appId: options.appId ?? SIMULATED_SPARK.appId,
    apiSecret: options.apiSecret ?? SIMULATED_SPARK.apiSecret,
    stripsPrefix: prefix === "stripped",
    now: () => Date.now() + clockAheadMs,
  };
  const password = options.apiPassword ?? SIMULATED_SPARK.apiPassword;
  const passwords = [password, `${apiKey}:${common.apiSecret}`];
  const chat = new SparkChatServer({ ...common, prefix: PREFIX, idleMs }, provider);
  return {
    endpoints: [
      ...createSparkEmbeddingEndpoints({ ...common, prefix: EMBEDDING_PREFIX }, vectors),
      createSparkHttpEndpoint(`${PREFIX}/v1/chat/completions`, passwords),
    ],
    upgrade: (request, socket, head) => chat.upgrade(request, socket, head),
    addresses: (origin) => ({
      url: `${origin.replace(/^http/, "ws")}${PREFIX}`,
      httpUrl: `${origin}${PREFIX}/v1`,
      embeddingUrl: `${origin}${EMBEDDING_PREFIX}`,
    }),
    close: () => chat.close(),
  };
}
