import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { chatBody } from "#src/api/chat/chat-routes.ts";
import { startChat } from "#src/api/chat/start-chat.ts";
import { embeddingBody } from "#src/api/embeddings/embedding-routes.ts";
import { startEmbeddings } from "#src/api/embeddings/start-embeddings.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { requireItem, writeJob } from "./job-object.ts";
import { streamJob } from "./stream-job.ts";

const idParams = z.object({ id: z.string().max(100) });
const resumeHeaders = z.looseObject({
  "last-event-id": z
    .string()
    .regex(/^\d{1,20}-\d{1,20}$/, "expected the id of an event of this stream")
    .optional()
    .describe("Continue after this event"),
});

/** Requests whose answer is picked up later, by any process. */
export function jobRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const tags = ["Jobs"];
    server.post(
      "/v1/jobs/chat",
      { schema: { tags, summary: "Queue a chat request", body: chatBody, headers: idempotencyHeaders } },
      async ({ caller, body: { stream: _, stream_options: __, ...body }, headers }, reply) => {
        const idempotencyKey = headers["idempotency-key"];
        // Several answers have no stream.
        const stream = (body.n ?? 1) === 1;
        const { id, admission } = await startChat(context, { caller, body, stream, idempotencyKey, route: "jobs" });
        admission.leave();
        reply.status(202).headers(admission.headers);
        return await writeJob(context, id, await requireItem(context, caller.tenant, id));
      },
    );
    server.post(
      "/v1/jobs/embeddings",
      { schema: { tags, summary: "Queue texts to embed", body: embeddingBody, headers: idempotencyHeaders } },
      async ({ caller, body, headers }, reply) => {
        const idempotencyKey = headers["idempotency-key"];
        const { id, admission } = await startEmbeddings(context, { caller, body, idempotencyKey, route: "jobs" });
        admission.leave();
        reply.status(202).headers(admission.headers);
        return await writeJob(context, id, await requireItem(context, caller.tenant, id));
      },
    );
    server.get(
      "/v1/jobs/:id",
      { schema: { tags, summary: "Describe a job, with its answer once it has one", params: idParams } },
      async ({ caller, params: { id } }) => await writeJob(context, id, await requireItem(context, caller.tenant, id)),
    );
    server.get(
      "/v1/jobs/:id/stream",
      {
        schema: {
          tags,
          summary: "Read the answer of a chat job while it is generated",
          params: idParams,
          headers: resumeHeaders,
        },
      },
      async ({ caller, params: { id }, headers }, reply) => {
        const { kind } = await requireItem(context, caller.tenant, id);
        if (kind !== "chat") throw API_ERRORS.invalidValue("id", "Only chat jobs have a stream.");
        await streamJob(context, id, reply, headers["last-event-id"]);
        return reply;
      },
    );
    server.delete(
      "/v1/jobs/:id",
      { schema: { tags, summary: "Cancel a job", params: idParams } },
      async ({ caller, params: { id } }) => {
        await requireItem(context, caller.tenant, id);
        await context.sluice.cancel(id);
        return await writeJob(context, id, await requireItem(context, caller.tenant, id));
      },
    );
  };
}
