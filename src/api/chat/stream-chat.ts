import type { FastifyReply } from "fastify";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS, type ApiError } from "#src/api/http/api-error.ts";
import { EventStream } from "#src/api/http/event-stream.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { toApiError } from "#src/api/http/to-api-error.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { isObject, type JsonObject, readField } from "#src/providers/json-value.ts";
import { awaitItem, settleChat } from "./await-chat.ts";
import {
  type ChatChunk,
  type ChunkMetadata,
  listLateFields,
  writeChunk,
  writeDelta,
  writeUsageChunk,
} from "./chat-chunks.ts";
import { openChatEvents } from "./open-chat-events.ts";
import type { StartedChat } from "./start-chat.ts";

type SendChunk = (chunk: ChatChunk) => Promise<void>;

interface StreamChatOptions {
  readonly metadata: ChunkMetadata;
  readonly includeUsage: boolean;
  /** The request asks for several answers, which are sent when all are complete. */
  readonly hasChoices: boolean;
  readonly bodyLimit: number;
  /** Rewrites a chunk for another format; undefined leaves it out. */
  readonly rewrite?: (chunk: ChatChunk) => object | undefined;
}

/**
 * Sends the deltas of an answer as server-sent events while it is generated. The status is sent with the first event, so that
 * an item that fails before has the status of its error. If the reader goes away, reading stops and the work continues.
 */
export async function streamChat(
  context: ApiContext,
  chat: StartedChat,
  reply: FastifyReply,
  options: StreamChatOptions,
): Promise<void> {
  const events = openEvents(context, chat, options.hasChoices);
  const first = await events.next();
  if (first.value?.type === "error") {
    await chat.admission.settle(undefined);
    throw failureToError(first.value.failure);
  }
  const stream = new EventStream(reply);
  const { rewrite = (chunk) => chunk } = options;
  const send = async (chunk: ChatChunk) => {
    const rewritten = rewrite(chunk);
    if (rewritten) await stream.send(rewritten);
  };
  try {
    await send(writeChunk(options.metadata, { role: "assistant", content: "" }));
    const error = first.value && (await sendDeltas({ stream, send }, first.value, events, chat, options));
    if (error) {
      await stream.send(error.body());
    } else {
      await sendEnd(context, chat, send, options);
      await stream.send("[DONE]");
    }
  } catch (thrown) {
    await stream.send(toApiError(thrown, options.bodyLimit).body());
  } finally {
    // Unless it was settled: the work may continue.
    chat.admission.leave();
    stream.end();
  }
}

/** The events of the answer; none for several answers, which have no stream. */
async function* openEvents(context: ApiContext, chat: StartedChat, hasChoices: boolean): AsyncGenerator<StreamEvent> {
  if (hasChoices) await awaitItem(context, chat, (options) => context.sluice.result(chat.id, options));
  else yield* openChatEvents(context, chat);
}

/** Sends everything up to the end of the answer, or returns why it broke off. */
async function sendDeltas(
  { stream, send }: { readonly stream: EventStream; readonly send: SendChunk },
  first: StreamEvent,
  events: AsyncGenerator<StreamEvent>,
  { id }: StartedChat,
  { metadata }: StreamChatOptions,
): Promise<ApiError | undefined> {
  let hasSent = false;
  for (let event: StreamEvent | undefined = first; event; event = (await events.next()).value) {
    if (stream.signal.aborted || event.type === "end") return undefined;
    if (event.type === "error") return failureToError(event.failure);
    // This format has no way to revoke deltas. Before the first one, nobody notices a new attempt.
    if (event.type === "reset" && hasSent) return API_ERRORS.restarted(id);
    const delta = writeDelta(event);
    if (!delta) continue;
    hasSent = true;
    await send(writeChunk(metadata, delta));
  }
  return undefined;
}

async function sendEnd(
  context: ApiContext,
  chat: StartedChat,
  send: SendChunk,
  { metadata, includeUsage, hasChoices }: StreamChatOptions,
): Promise<void> {
  const record = await awaitItem(context, chat, (options) => context.sluice.result(chat.id, options));
  const body = writeChatCompletion(await settleChat(chat, record), metadata);
  const choices = Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
  for (const [index, choice] of choices.entries()) {
    const message = isObject(choice.message) ? choice.message : {};
    if (hasChoices) await send(writeChunk(metadata, listAllFields(message), null, index));
    const late = hasChoices ? {} : listLateFields(message);
    await send(writeChunk(metadata, late, String(readField(choice, "finish_reason") ?? "stop"), index));
  }
  if (includeUsage) await send(writeUsageChunk(metadata, body.usage));
}

/** A complete message as one delta. */
function listAllFields(message: JsonObject): JsonObject {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : [];
  const indexed = calls.map((call, index) => ({ index, ...call }));
  const present = Object.entries(message).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(present), ...(indexed.length > 0 ? { tool_calls: indexed } : {}) };
}
