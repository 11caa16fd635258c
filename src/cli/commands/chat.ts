import { text as readText } from "node:stream/consumers";
import { ERROR_HINTS } from "#src/cli/error-hints.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { type ChatPrinter, createChatPrinter } from "#src/cli/format/chat-printer.ts";
import { ensureWorkerFor, type WorkerGuard } from "#src/cli/wiring/ensure-worker.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { requireLanes } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { openConfiguredTracer } from "#src/cli/wiring/open-tracer.ts";
import { InputError } from "#src/core/errors.ts";
import type { Failure } from "#src/core/item.ts";
import { createClientFrom } from "#src/producer/client/create-client.ts";
import type { SluiceClient, SubmitChatOptions } from "#src/producer/client/sluice-client.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import { createKeys } from "#src/redis/keys.ts";

export interface ChatCommandOptions {
  readonly model: string;
  readonly system?: string;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly json: boolean;
  readonly stream: boolean;
  /** Apply the provider's own conversation template. */
  readonly template: boolean;
  /** Undefined: one, when no worker that lives takes the provider's chat jobs. */
  readonly workers?: number;
  readonly config?: string;
}

/** `sluice chat`: one question through the queue, its answer as it comes. Exit code 1 when it ends in an error. */
export async function runChat(prompt: string, options: ChatCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const { provider, model } = config.registry.findModel(options.model, "chat");
  if (model.kind !== "chat") {
    throw new InputError(
      `${options.model} is an embedding model and gives no answers; "sluice models ${provider}" shows which do`,
    );
  }
  const lanes = requireLanes(config, options.model);
  const request = createRequest(prompt === "-" ? await readText(process.stdin) : prompt, options);
  const interrupt = listenForInterrupt();
  const redis = await openConfiguredRedis(config, {
    onWarning: ({ message }) => process.stderr.write(`sluice: ${message}\n`),
  });
  const tracer = await openConfiguredTracer(config);
  const client = createClientFrom(redis.source, config.namespace, tracer);
  const printer = createChatPrinter({
    json: options.json,
    noColor: config.noColor,
    out: process.stdout,
    diagnostics: process.stderr,
  });
  let workerGuard: WorkerGuard | undefined;
  try {
    workerGuard = await ensureWorkerFor({
      source: redis.source,
      keys: createKeys(config.namespace),
      provider,
      kind: "chat",
      lanes,
      workers: options.workers,
      configFile: options.config,
      signal: interrupt.signal,
    });
    const signal = AbortSignal.any([interrupt.signal, workerGuard.failed, printer.outputClosed]);
    return await requestAnswer(client, request, printer, signal);
  } finally {
    await workerGuard?.stop();
    await client.close();
    await redis.close();
    interrupt.dispose();
  }
}

function createRequest(prompt: string, options: ChatCommandOptions): SubmitChatOptions {
  const { model, system, maxTokens, temperature, stream, template } = options;
  if (prompt.trim() === "") throw new InputError("the prompt is empty");
  return {
    model,
    stream,
    priority: "interactive",
    ...buildMessages(prompt, system, template),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}

/** With a template and no system message of its own, the prompt may be a conversation in the template's plain form. */
function buildMessages(
  prompt: string,
  system: string | undefined,
  template: boolean,
): Pick<SubmitChatOptions, "messages" | "prompt" | "template"> {
  if (template && system === undefined) return { prompt, template: "default" };
  const messages = [{ role: "user" as const, content: prompt }];
  return { messages: system === undefined ? messages : [{ role: "system", content: system }, ...messages] };
}

async function requestAnswer(
  client: SluiceClient,
  request: SubmitChatOptions,
  printer: ChatPrinter,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const { id } = await client.submitChat(request);
  try {
    if (request.stream) {
      for await (const event of client.stream(id, { signal })) {
        printer.event(event);
        if (event.type === "error") return reportFailure(event.failure);
      }
      return EXIT_CODES.ok;
    }
    const record = await client.result(id, { signal });
    printer.record(id, record);
    return record.status === "ok" ? EXIT_CODES.ok : reportFailure(record.failure);
  } catch (error) {
    if (!signal.aborted) throw error;
    // Nobody waits for the answer any more, so nobody should pay for the rest of it.
    await client.cancel(id);
    printer.close();
    const { reason } = signal;
    if (reason instanceof RunStoppedError && reason.reason === "interrupted") {
      process.stderr.write("sluice: cancelled\n");
      return EXIT_CODES.interrupted;
    }
    if (reason instanceof RunStoppedError) {
      process.stderr.write(`sluice: ${reason.message}\n  ${reason.hint?.split(",")[0] ?? ""}, then ask again\n`);
      return EXIT_CODES.couldNotComplete;
    }
    throw reason;
  }
}

function reportFailure({ kind, message }: Failure): number {
  const hint =
    kind === "crash-loop"
      ? "workers died over this request: the log of the worker says why"
      : kind === "cancelled" || kind === "expired"
        ? "ask again"
        : ERROR_HINTS[kind];
  process.stderr.write(`sluice: ${kind}: ${message}\n  ${hint}\n`);
  return EXIT_CODES.itemsFailed;
}
