import { text as readText } from "node:stream/consumers";
import { InputError } from "../../core/errors.ts";
import type { Failure } from "../../core/item.ts";
import { createClientOn } from "../../producer/client/create-client.ts";
import type { SluiceClient, SubmitChatOptions } from "../../producer/client/sluice-client.ts";
import { RunStopped } from "../../producer/run/run-error.ts";
import { findModel } from "../../providers/registry.ts";
import { createKeys } from "../../redis/keys.ts";
import { type Attendance, attendItem } from "../attend-item.ts";
import { EXIT } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { requireLanes } from "../lanes.ts";
import { MENDS } from "../mends.ts";
import { openConfig } from "../open-config.ts";
import { openConfiguredRedis } from "../open-redis.ts";
import { openConfiguredTracer } from "../open-tracer.ts";
import { type ChatPrinter, createChatPrinter } from "./chat-printer.ts";

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
  const { provider, model } = findModel(options.model, "chat");
  if (model.kind !== "chat") {
    throw new InputError(
      `${options.model} is an embedding model and gives no answers; "sluice models ${provider}" shows which do`,
    );
  }
  const config = openConfig(options.config);
  const lanes = requireLanes(config, options.model);
  const request = createRequest(prompt === "-" ? await readText(process.stdin) : prompt, options);
  const interrupt = interruptSignal();
  const redis = await openConfiguredRedis(config, {
    onWarning: ({ message }) => process.stderr.write(`sluice: ${message}\n`),
  });
  const tracer = await openConfiguredTracer(config);
  const client = createClientOn(redis.source, config.namespace, tracer);
  const printer = createChatPrinter({
    json: options.json,
    noColor: config.noColor,
    out: process.stdout,
    notes: process.stderr,
  });
  let attendance: Attendance | undefined;
  try {
    attendance = await attendItem({
      source: redis.source,
      keys: createKeys(config.namespace),
      provider,
      kind: "chat",
      lanes,
      workers: options.workers,
      configFile: options.config,
      signal: interrupt.signal,
    });
    const signal = AbortSignal.any([interrupt.signal, attendance.failed, printer.readerGone]);
    return await ask(client, request, printer, signal);
  } finally {
    await attendance?.stop();
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
    ...addressed(prompt, system, template),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}

/** With a template and no system message of its own, the prompt may be a conversation in the template's plain form. */
function addressed(
  prompt: string,
  system: string | undefined,
  template: boolean,
): Pick<SubmitChatOptions, "messages" | "prompt" | "template"> {
  if (template && system === undefined) return { prompt, template: "default" };
  const messages = [{ role: "user" as const, content: prompt }];
  return { messages: system === undefined ? messages : [{ role: "system", content: system }, ...messages] };
}

async function ask(
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
        if (event.type === "error") return fail(event.failure);
      }
      return EXIT.ok;
    }
    const record = await client.result(id, { signal });
    printer.record(id, record);
    return record.status === "ok" ? EXIT.ok : fail(record.failure);
  } catch (error) {
    if (!signal.aborted) throw error;
    // Nobody waits for the answer any more, so nobody should pay for the rest of it.
    await client.cancel(id);
    printer.close();
    const { reason } = signal;
    if (reason instanceof RunStopped && reason.reason === "interrupted") {
      process.stderr.write("sluice: cancelled\n");
      return EXIT.interrupted;
    }
    if (reason instanceof RunStopped) {
      process.stderr.write(
        `sluice: ${reason.message}\n  ${reason.mend?.split(",")[0] ?? ""}, then ask again\n`,
      );
      return EXIT.cannotGoOn;
    }
    throw reason;
  }
}

function fail({ kind, message }: Failure): number {
  const mend =
    kind === "crash-loop"
      ? "workers died over this request: the log of the worker says why"
      : kind === "cancelled" || kind === "expired"
        ? "ask again"
        : MENDS[kind];
  process.stderr.write(`sluice: ${kind}: ${message}\n  ${mend}\n`);
  return EXIT.itemsFailed;
}
