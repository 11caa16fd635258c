import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import { awaitItem } from "./await-chat.ts";
import type { StartedChat } from "./start-chat.ts";

/** The events of an answer while it is generated. Until the first one, it waits as for a complete answer. */
export async function* openChatEvents(context: ApiContext, chat: StartedChat): AsyncGenerator<StreamEvent> {
  const source = await awaitItem(context, chat, async ({ signal, onNoWorker }) => {
    const events = context.sluice.stream(chat.id, { signal, onNoWorker });
    return { first: await events.next(), events };
  });
  if (!source.first.done) yield source.first.value;
  try {
    yield* source.events;
  } catch (error) {
    if (!context.stopping.aborted) throw error;
    chat.admission.leave();
    // The reader learns where the answer continues.
    throw API_ERRORS.shuttingDown(chat.id);
  }
}
