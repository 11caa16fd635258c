import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { errorCode, RunError } from "#src/core/errors.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY, startSimulator } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";

export interface SimulateCommandOptions {
  readonly port: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrency?: number;
  readonly latency: number;
  readonly jitter: number;
}

/** The double of the OpenAI protocol stands for every vendor of it. */
function describeVendors(openaiUrl: string): string[] {
  const others = COMPATIBLE_PROFILES.filter(({ name }) => name !== "openai");
  return [
    "# The same double stands for the other vendors of that protocol:",
    ...others.map(
      ({ envPrefix }) => `#   export ${envPrefix}_API_KEY=${SIMULATOR_API_KEY} ${envPrefix}_BASE_URL=${openaiUrl}`,
    ),
  ];
}

/** Why the port cannot be listened on, in words; other errors as they are. */
function describePortError(error: unknown, port: number): unknown {
  const code = errorCode(error);
  if (code !== "EADDRINUSE" && code !== "EACCES") return error;
  const why = code === "EADDRINUSE" ? "is in use" : "may not be used by this user";
  return new RunError(`port ${port} ${why}`, "choose another one with --port; 0 takes a free one", error);
}

/** `sluice simulate`: serves until stopped, and prints the environment that points Sluice at it. */
export async function runSimulate(options: SimulateCommandOptions): Promise<number> {
  const { port, requestsPerMinute, tokensPerMinute, concurrency, latency, jitter } = options;
  const interrupt = listenForInterrupt();
  const simulator = await startSimulator({
    port,
    limits: {
      requestsPerWindow: requestsPerMinute ?? null,
      tokensPerWindow: tokensPerMinute ?? null,
      concurrency: concurrency ?? null,
    },
    latency: { fixedMs: latency, jitterMs: jitter },
  }).catch((error) => {
    throw describePortError(error, port);
  });
  process.stdout.write(
    [
      "# The simulator is running; stop it with Ctrl-C. In another terminal:",
      `export MINIMAX_API_KEY=${SIMULATOR_API_KEY}`,
      `export MINIMAX_BASE_URL=${simulator.url}`,
      `export ZHIPU_API_KEY=${SIMULATOR_ZHIPU_KEY}`,
      `export ZHIPU_BASE_URL=${simulator.zhipuUrl}`,
      `export SPARK_APP_ID=${SIMULATED_SPARK.appId}`,
      `export SPARK_API_KEY=${SIMULATOR_API_KEY}`,
      `export SPARK_API_SECRET=${SIMULATED_SPARK.apiSecret}`,
      `export SPARK_API_PASSWORD=${SIMULATED_SPARK.apiPassword}`,
      `export SPARK_BASE_URL=${simulator.spark.url}`,
      `export SPARK_HTTP_BASE_URL=${simulator.spark.httpUrl}`,
      `export SPARK_EMBEDDING_BASE_URL=${simulator.spark.embeddingUrl}`,
      `export OPENAI_API_KEY=${SIMULATOR_API_KEY}`,
      `export OPENAI_BASE_URL=${simulator.openaiUrl}`,
      ...describeVendors(simulator.openaiUrl),
      "# Sluice keeps the limits that a new account usually has (120 requests/min for minimax/embo-01). For more:",
      "#   sluice set-limit minimax/embo-01 --requests-per-minute 6000",
      `# Faults, limits and statistics of the simulator: ${simulator.controlUrl}`,
      "",
    ].join("\n"),
  );
  await new Promise<void>((resolve) => {
    if (interrupt.signal.aborted) resolve();
    interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await simulator.close();
  interrupt.dispose();
  return EXIT_CODES.ok;
}
