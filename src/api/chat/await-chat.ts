import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS, ApiError } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { ResultTimeoutError } from "#src/producer/client/client-error.ts";
import type { ChatRecord, WaitOptions } from "#src/producer/client/sluice-client.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { StartedChat } from "./start-chat.ts";

/** Waits for the answer, and settles what the caller reserved for it. Throws an ApiError if there is none. */
export async function awaitChat(context: ApiContext, chat: StartedChat): Promise<ChatResponse> {
  const record = await awaitItem(context, chat, (options) => context.sluice.result(chat.id, options));
  return await settleChat(chat, record);
}

/** The answer of a record; its use is settled. Throws an ApiError if the item failed. */
export async function settleChat({ admission }: StartedChat, record: ChatRecord): Promise<ChatResponse> {
  if (record.status === "failed") {
    await admission.settle(undefined);
    throw failureToError(record.failure);
  }
  await admission.settle(record.response.usage);
  return record.response;
}

/**
 * Waits for the outcome of an item until the server stops, no worker takes it, or the time is up. Only if there is no worker
 * is the item cancelled: the client repeats its request, and nobody would read the first answer.
 */
export async function awaitItem<T>(
  context: ApiContext,
  { id, model, admission }: Pick<StartedChat, "id" | "model" | "admission">,
  wait: (options: WaitOptions) => Promise<T>,
): Promise<T> {
  const { answerTimeoutMs } = context.settings;
  const noWorker = new AbortController();
  const signal = AbortSignal.any([context.stopping, noWorker.signal]);
  const onNoWorker = () => {
    // A worker that has stopped since may have taken it: another one continues with it.
    const check = context.sluice.status(id).then((status) => {
      if (status?.state === "queued") noWorker.abort(API_ERRORS.noWorker(model.provider));
    });
    check.catch(() => undefined);
  };
  try {
    return await wait({ signal, timeoutMs: answerTimeoutMs, onNoWorker });
  } catch (error) {
    if (noWorker.signal.aborted) {
      await admission.settle(undefined);
      await context.sluice.cancel(id);
    } else admission.leave();
    if (error instanceof ApiError) throw error;
    if (error instanceof ResultTimeoutError) throw API_ERRORS.notAnswered(id, answerTimeoutMs);
    if (context.stopping.aborted) throw API_ERRORS.shuttingDown(id);
    throw error;
  }
}
