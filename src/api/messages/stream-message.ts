import type { FastifyReply } from "fastify";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitItem, settleChat } from "#src/api/chat/await-chat.ts";
import { openChatEvents } from "#src/api/chat/open-chat-events.ts";
import type { StartedChat } from "#src/api/chat/start-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { EventStream } from "#src/api/http/event-stream.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { toApiError } from "#src/api/http/to-api-error.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import { writeMessageError } from "./message-error.ts";
import { MessageBlocks, type MessageEvent } from "./message-events.ts";
import { writeStop, writeUsage } from "./write-anthropic-message.ts";

/** Sends an answer as the events of Anthropic's stream. Everything else is as for chat completions. */
export async function streamMessage(context: ApiContext, chat: StartedChat, reply: FastifyReply): Promise<void> {
  const events = openChatEvents(context, chat);
  const first = await events.next();
  if (first.value?.type === "error") {
    await chat.admission.settle(undefined);
    throw failureToError(first.value.failure);
  }
  const stream = new EventStream(reply);
  const send = async (sent: readonly MessageEvent[]) => {
    for (const event of sent) await stream.send(event, { event: event.type });
  };
  try {
    await send(writeStart(chat));
    const blocks = new MessageBlocks();
    for (let event: StreamEvent | undefined = first.value; event; event = (await events.next()).value) {
      if (stream.signal.aborted || event.type === "end") break;
      if (event.type === "error") throw failureToError(event.failure);
      // Blocks cannot be revoked. Before the first one, nobody notices a new attempt.
      if (event.type === "reset" && !blocks.isEmpty) throw API_ERRORS.restarted(chat.id);
      await send(blocks.add(event));
    }
    const record = await awaitItem(context, chat, (options) => context.sluice.result(chat.id, options));
    await send([...blocks.end(), ...writeEnd(await settleChat(chat, record))]);
  } catch (thrown) {
    const error = toApiError(thrown, reply.request.routeOptions.bodyLimit);
    await stream.send(writeMessageError(error, reply.request.id), { event: "error" });
  } finally {
    // Unless it was settled: the work may continue.
    chat.admission.leave();
    stream.end();
  }
}

function writeStart({ id, model }: StartedChat): MessageEvent[] {
  const usage = { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const message = {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: model.fullName,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  return [{ type: "message_start", message }];
}

function writeEnd(response: ChatResponse): MessageEvent[] {
  return [{ type: "message_delta", delta: writeStop(response), usage: writeUsage(response) }, { type: "message_stop" }];
}
