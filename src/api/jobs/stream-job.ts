import type { FastifyReply } from "fastify";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { EventStream } from "#src/api/http/event-stream.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";

/**
 * Sends the events of a chat item from the first one, or from the one after `after`: "delta", "reasoning-delta",
 * "tool-call-delta", "reset" (discard the deltas so far), and at last "end" or "error". Each has an id, after which the reader
 * can continue on any server.
 */
export async function streamJob(
  { sluice, stopping, onError }: ApiContext,
  id: string,
  reply: FastifyReply,
  after: string | undefined,
): Promise<void> {
  const stream = new EventStream(reply);
  const signal = AbortSignal.any([stream.signal, stopping]);
  try {
    // A job may wait for a worker as long as it likes.
    for await (const event of sluice.stream(id, { signal, after, onNoWorker: () => undefined })) {
      const { id: eventId, type, ...data } = event;
      const body = "failure" in data ? failureToError(data.failure).body() : data;
      await stream.send(body, { event: type, id: eventId });
    }
  } catch (error) {
    // The reader reconnects with the id of the last event, to this or another server.
    if (stopping.aborted) await stream.send(API_ERRORS.shuttingDown(id).body(), { event: "stopping" });
    else if (!stream.signal.aborted && error instanceof Error) onError(error, "/v1/jobs/:id/stream", reply.request.id);
  } finally {
    stream.end();
  }
}
