import { text as readText } from "node:stream/consumers";
import { ERROR_HINTS } from "#src/cli/error-hints.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { type ChatPrinter, createChatPrinter } from "#src/cli/format/chat-printer.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { ensureWorkerFor, type WorkerGuard } from "#src/cli/wiring/ensure-worker.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { requireLanes } from "#src/cli/wiring/lanes.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { openConfiguredTracer } from "#src/cli/wiring/open-tracer.ts";
import { loadConfig } from "#src/config/config.ts";
import { appendProviderText } from "#src/core/failures/provider-text.ts";
import type { Failure } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { createClientFrom } from "#src/producer/client/create-client.ts";
import type { SluiceClient, SubmitChatOptions } from "#src/producer/client/sluice-client.ts";
import type { OnNoWorker } from "#src/producer/client/worker-check.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import { createKeys } from "#src/redis/keys.ts";
import type { chatCommand } from "./definition.ts";

/** `sluice chat`: sends one prompt through the queue and prints the answer. The exit code is 1 if the item failed. */
export async function runChat(prompt: string, options: OptionValues<typeof chatCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { provider, model } = config.registry.findModel(options.model, "chat");
  if (model.kind !== "chat") {
    throw CLI_ERRORS.notAChatModel(options.model, provider);
  }
  const lanes = requireLanes(config, options.model);
  writeModelNotices(config, [options.model]);
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
    // Without --workers 0, the guard starts a worker.
    const onNoWorker = (message: string) =>
      options.workers === 0 ? void process.stderr.write(`sluice: ${message}\n`) : undefined;
    return await requestAnswer(client, request, printer, { signal, onNoWorker });
  } finally {
    await workerGuard?.stop();
    await client.close();
    await redis.close();
    interrupt.dispose();
  }
}

function createRequest(prompt: string, options: OptionValues<typeof chatCommand>): SubmitChatOptions {
  const { model, system, maxTokens, temperature, stream, template } = options;
  if (prompt.trim() === "") throw CLI_ERRORS.emptyPrompt();
  return {
    model,
    stream,
    priority: "interactive",
    ...buildMessages(prompt, system, template),
    ...omitUndefined({ maxTokens, temperature }),
  };
}

/** With a template and without a system message, the prompt may be a conversation in the template's plain-text format. */
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
  waiting: { readonly signal: AbortSignal; readonly onNoWorker: OnNoWorker },
): Promise<number> {
  const { signal } = waiting;
  signal.throwIfAborted();
  const { id } = await client.submitChat(request);
  try {
    if (request.stream) {
      for await (const event of client.stream(id, waiting)) {
        printer.event(event);
        if (event.type === "error") return reportFailure(event.failure);
      }
      return EXIT_CODES.ok;
    }
    const record = await client.result(id, waiting);
    printer.record(id, record);
    return record.status === "ok" ? EXIT_CODES.ok : reportFailure(record.failure);
  } catch (error) {
    if (!signal.aborted) throw error;
    // Nobody waits for the answer any more, so the call is cancelled to save its cost.
    await client.cancel(id);
    printer.close();
    const { reason } = signal;
    if (reason instanceof RunStoppedError && reason.reason === "interrupted") {
      process.stderr.write("sluice: cancelled\n");
      return EXIT_CODES.interrupted;
    }
    if (reason instanceof RunStoppedError) {
      process.stderr.write(`sluice: ${reason.message}\n  ${describeFix(reason)}\n`);
      return EXIT_CODES.couldNotComplete;
    }
    throw reason;
  }
}

/** The hint of a stopped run says to run the command again, which does not apply to a single question. */
function describeFix({ hint = "" }: RunStoppedError): string {
  const [fix] = hint.split(", then run");
  return `${fix}, then ask again.`;
}

function reportFailure(failure: Failure): number {
  const { kind } = failure;
  const message = sanitize(appendProviderText(failure.message, failure));
  const hint =
    kind === "crash-loop"
      ? "Workers crashed while they processed this request. See the log of the worker."
      : kind === "cancelled" || kind === "expired"
        ? "Ask again."
        : ERROR_HINTS[kind];
  process.stderr.write(`sluice: ${kind}: ${message}\n  ${hint}\n`);
  return EXIT_CODES.itemsFailed;
}
