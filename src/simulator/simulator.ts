import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SimulatedVectorStore } from "./answers/vector-store.ts";
import { createAnthropicEndpoint } from "./anthropic/anthropic.ts";
import { createAnswerFinder, type SimulatorAnswer } from "./chat/scripted-answers.ts";
import { createGeminiEndpoints } from "./gemini/gemini.ts";
import { createJinaEmbeddingEndpoint } from "./jina/embeddings.ts";
import { createMinimaxChatEndpoints } from "./minimax/chat/endpoints.ts";
import { createMinimaxEndpoint } from "./minimax/minimax.ts";
import { createModerationEndpoint } from "./openai/moderations.ts";
import { createOpenaiEndpoint } from "./openai/openai.ts";
import { createOpenaiChatEndpoint } from "./openai/openai-chat.ts";
import { createRerankEndpoints } from "./rerank/rerank.ts";
import { serveControl } from "./server/control.ts";
import type { CheckedCall, Endpoint } from "./server/endpoint.ts";
import { SimulatedProvider } from "./server/simulated-provider.ts";
import type { CallReport, SimulatorStatistics } from "./server/statistics.ts";
import { patchSettings, type SimulatorSettingsPatch, settingsSchema } from "./settings.ts";
import { createSparkSimulator, type SparkAddresses, type SparkSimulatorOptions } from "./spark/spark.ts";
import { createZhipuChatEndpoint } from "./zhipu/chat.ts";
import { createZhipuEmbeddingEndpoint } from "./zhipu/embeddings.ts";

/** Default API key that the simulator accepts. */
export const SIMULATOR_API_KEY = "simulator-key";

/** Default API key for Zhipu, whose keys consist of an id and a secret. */
export const SIMULATOR_ZHIPU_KEY = "simulator-id.simulator-secret";

export interface SimulatorOptions extends SimulatorSettingsPatch {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: any free port. */
  readonly port?: number;
  readonly apiKey?: string;
  readonly zhipuApiKey?: string;
  /** If set, MiniMax calls must contain it. */
  readonly groupId?: string;
  /** Seed of latency jitter and fault probabilities. */
  readonly seed?: number;
  readonly onCall?: (report: CallReport) => void;
  /** Answers of the OpenAI protocol; other prompts get a computed one. */
  readonly answers?: readonly SimulatorAnswer[];
  readonly spark?: SparkSimulatorOptions;
}

export interface Simulator {
  /** Base URL of the simulated MiniMax. */
  readonly url: string;
  /** Base URL of the simulated OpenAI-compatible provider. */
  readonly openaiUrl: string;
  /** Base URL of the simulated Zhipu. */
  readonly zhipuUrl: string;
  /** Base URL of the simulated Anthropic. */
  readonly anthropicUrl: string;
  /** Base URL of the simulated Gemini. */
  readonly geminiUrl: string;
  /** Base URL of the simulated Cohere. */
  readonly cohereUrl: string;
  /** Base URL of the simulated Jina. */
  readonly jinaUrl: string;
  readonly spark: SparkAddresses;
  /** GET: statistics and settings. POST: a patch of the settings. Accepts requests from this machine only. */
  readonly controlUrl: string;
  readonly port: number;
  statistics(): SimulatorStatistics;
  resetStatistics(): void;
  /** Takes effect with the next call. Throws a ZodError for an invalid patch. */
  configure(patch: SimulatorSettingsPatch): void;
  /**
   * Answers the next `answered` calls (default 0), and no further one until the returned function is called, so that a test
   * can keep a run in progress at a known point. Refused calls do not count.
   */
  hold(answered?: number): () => void;
  /**
   * Sends this number of parts (events) of every streamed answer over HTTP, and the rest when the returned function is
   * called. Needs `deltaMs` above 0.
   */
  holdStreams(parts: number): () => void;
  /** Closes all connections, calls in flight included. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Serves strict simulations of the providers' protocols on one port. Rejects if the port cannot be opened. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const {
    host = "127.0.0.1",
    port = 0,
    apiKey = SIMULATOR_API_KEY,
    zhipuApiKey = SIMULATOR_ZHIPU_KEY,
    groupId,
    seed = 1,
    onCall,
    answers = [],
    spark: sparkOptions = {},
    ...rest
  } = options;
  const provider = new SimulatedProvider(
    patchSettings(settingsSchema.parse({}), rest),
    seed,
    onCall ?? (() => undefined),
  );
  const vectors = new SimulatedVectorStore();
  const spark = createSparkSimulator({ apiKey, ...sparkOptions }, provider, vectors);
  const endpoints: readonly Endpoint<CheckedCall>[] = [
    createMinimaxEndpoint({ apiKey, groupId }, vectors),
    ...createMinimaxChatEndpoints({ apiKey, groupId }),
    createOpenaiEndpoint(apiKey, vectors),
    createOpenaiChatEndpoint(apiKey, createAnswerFinder(answers)),
    createModerationEndpoint(apiKey),
    createJinaEmbeddingEndpoint(apiKey, vectors),
    createZhipuChatEndpoint(zhipuApiKey),
    createZhipuEmbeddingEndpoint(zhipuApiKey, vectors),
    createAnthropicEndpoint(apiKey),
    ...createGeminiEndpoints(apiKey, vectors),
    ...createRerankEndpoints(apiKey),
    ...spark.endpoints,
  ];
  const server = createServer((request, response) => {
    route(request, response, endpoints, provider).catch(() => response.destroy());
  });
  server.on("upgrade", (request, socket, head) => {
    if (!spark.upgrade(request, socket, head)) socket.destroy();
  });
  // Longer than the idle timeout of any client, so that the client closes idle connections.
  server.keepAliveTimeout = 120_000;
  server.listen(port, host);
  await once(server, "listening");
  const { port: openPort } = server.address() as AddressInfo;
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${openPort}`;
  return {
    url: `${origin}/minimax/v1`,
    openaiUrl: `${origin}/openai/v1`,
    zhipuUrl: `${origin}/zhipu/api/paas/v4`,
    anthropicUrl: `${origin}/anthropic`,
    geminiUrl: `${origin}/gemini`,
    cohereUrl: `${origin}/cohere`,
    jinaUrl: `${origin}/jina`,
    spark: spark.addresses(origin),
    controlUrl: `${origin}/_control`,
    port: openPort,
    statistics: () => provider.statistics(),
    resetStatistics: () => provider.resetStatistics(),
    configure: (patch) => provider.configure(patch),
    hold: (answered) => provider.hold(answered),
    holdStreams: (parts) => provider.holdStreams(parts),
    close: () => {
      spark.close();
      return closeServer(server);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: readonly Endpoint<CheckedCall>[],
  provider: SimulatedProvider,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://simulator.invalid");
  const body = await readBody(request);
  const endpoint = endpoints.find((candidate) => matchesPath(candidate.path, url.pathname));
  if (body === undefined) sendPlain(response, 413);
  else if (url.pathname === "/_control") serveControl(request, response, body, provider);
  else if (!endpoint) sendPlain(response, 404);
  else if (request.method !== "POST") sendPlain(response, 405);
  else
    await provider.serve(
      endpoint,
      { path: url.pathname, headers: request.headers, query: url.searchParams, body },
      response,
    );
}

function matchesPath(pattern: string, path: string): boolean {
  const [start = "", end] = pattern.split("*");
  return end === undefined ? path === start : path.startsWith(start) && path.endsWith(end);
}

/** The complete body; undefined if it is too large. Rejects if the client disconnects before its end. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.once("end", () => resolve(bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks, bytes)));
    request.once("error", reject);
  });
}

function sendPlain(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "text/plain" }).end();
}
