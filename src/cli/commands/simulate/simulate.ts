import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { listenForInterrupt, waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { errorCode } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY, startSimulator } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";
import type { simulateCommand } from "./definition.ts";
import { readAnswers } from "./read-answers.ts";

/** The simulated OpenAI protocol serves every vendor with this protocol. */
function describeVendors(openaiUrl: string): string[] {
  const others = COMPATIBLE_PROFILES.filter(({ name }) => name !== "openai");
  return [
    "# The same address simulates the other vendors with the OpenAI protocol:",
    ...others.map(
      ({ envPrefix }) => `#   export ${envPrefix}_API_KEY=${SIMULATOR_API_KEY} ${envPrefix}_BASE_URL=${openaiUrl}`,
    ),
  ];
}

/** An error that says why the simulator cannot listen on the port; other errors are unchanged. */
function toPortError(error: unknown, port: number): unknown {
  const code = errorCode(error);
  if (code !== "EADDRINUSE" && code !== "EACCES") return error;
  return CLI_ERRORS.portUnavailable(port, code === "EADDRINUSE", error);
}

/** `sluice simulate`: serves until it is stopped, and prints the environment variables that point Sluice at it. */
export async function runSimulate(options: OptionValues<typeof simulateCommand>): Promise<number> {
  const { port, requestsPerSecond, requestsPerMinute, tokensPerMinute, concurrency, latency, jitter } = options;
  const answers = options.answers === undefined ? [] : await readAnswers(options.answers);
  const interrupt = listenForInterrupt();
  const simulator = await startSimulator({
    port,
    answers,
    limits: {
      requestsPerWindow: requestsPerMinute ?? null,
      tokensPerWindow: tokensPerMinute ?? null,
      concurrency: concurrency ?? null,
      requestsPerSecond: requestsPerSecond ?? null,
    },
    latency: { fixedMs: latency, jitterMs: jitter },
  }).catch((error) => {
    throw toPortError(error, port);
  });
  process.stdout.write(
    [
      "# The simulator is running. Press Ctrl-C to stop it. To use it, run in another terminal:",
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
      `export ANTHROPIC_API_KEY=${SIMULATOR_API_KEY}`,
      `export ANTHROPIC_BASE_URL=${simulator.anthropicUrl}`,
      `export GEMINI_API_KEY=${SIMULATOR_API_KEY}`,
      `export GEMINI_BASE_URL=${simulator.geminiUrl}`,
      `export COHERE_API_KEY=${SIMULATOR_API_KEY}`,
      `export COHERE_BASE_URL=${simulator.cohereUrl}`,
      `export JINA_API_KEY=${SIMULATOR_API_KEY}`,
      `export JINA_BASE_URL=${simulator.jinaUrl}`,
      `export OPENAI_API_KEY=${SIMULATOR_API_KEY}`,
      `export OPENAI_BASE_URL=${simulator.openaiUrl}`,
      ...describeVendors(simulator.openaiUrl),
      "# Sluice applies the usual limits of a new account (120 requests/min for minimax/embo-01). To raise them:",
      `#   ${SUGGESTED_COMMANDS.raiseLimit()}`,
      `# Faults, limits and statistics of the simulator: ${simulator.controlUrl}`,
      "",
    ].join("\n"),
  );
  await waitForAbort(interrupt.signal);
  await simulator.close();
  interrupt.dispose();
  return EXIT_CODES.ok;
}
