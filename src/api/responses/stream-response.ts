import type { FastifyReply } from "fastify";
import type { ApiContext } from "#src/api/api-context.ts";
import { EventStream } from "#src/api/http/event-stream.ts";
import { toApiError } from "#src/api/http/to-api-error.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { StoredResponse } from "./response-body.ts";
import { ResponseOutputs } from "./response-events.ts";
import { type ResponseOutcome, writeResponse } from "./response-object.ts";

export interface StreamResponseOptions {
  readonly item: string;
  readonly stored: StoredResponse;
  /** The events of the item from the first one. */
  readonly events: AsyncIterable<StreamEvent>;
  /** What has become of the item when its events have ended; settles what it used. */
  readonly readOutcome: () => Promise<ResponseOutcome>;
  /** Leave out the events up to this sequence number. */
  readonly after?: number;
}

/** Sends the typed events of a response, each with its sequence number. */
export async function streamResponse(
  { stopping }: ApiContext,
  reply: FastifyReply,
  { item, stored, events, readOutcome, after = -1 }: StreamResponseOptions,
): Promise<void> {
  const stream = new EventStream(reply);
  let sequence = 0;
  const send = async (sent: readonly JsonObject[]) => {
    for (const event of sent) {
      const numbered = { ...event, sequence_number: sequence };
      if (sequence > after) await stream.send(numbered, { event: String(event.type) });
      sequence += 1;
    }
  };
  try {
    const response = writeResponse(item, stored, { status: "in_progress" });
    await send([
      { type: "response.created", response },
      { type: "response.in_progress", response },
    ]);
    let outputs = new ResponseOutputs(item);
    for await (const event of events) {
      if (stream.signal.aborted) return;
      // The final response has the whole answer of the attempt that succeeded; its items begin again here.
      if (event.type === "reset") outputs = new ResponseOutputs(item);
      await send(outputs.add(event));
    }
    await send(outputs.end());
    await send([writeFinalEvent(item, stored, await readOutcome())]);
  } catch (thrown) {
    const { details } = toApiError(thrown, 0);
    const { code, message, param = null } = details;
    // A stopping server ends the stream; the reader continues with `starting_after`.
    if (!stopping.aborted || !stored.isBackground) await send([{ type: "error", code, message, param }]);
  } finally {
    stream.end();
  }
}

function writeFinalEvent(item: string, stored: StoredResponse, outcome: ResponseOutcome): JsonObject {
  const response = writeResponse(item, stored, outcome);
  return { type: `response.${response.status}`, response };
}
