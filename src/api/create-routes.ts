import type { ApiContext } from "./api-context.ts";
import { batchRoutes } from "./batches/batch-routes.ts";
import { chatRoutes } from "./chat/chat-routes.ts";
import { completionRoutes } from "./completions/completion-routes.ts";
import { embeddingRoutes } from "./embeddings/embedding-routes.ts";
import { fastchatRoutes } from "./fastchat/fastchat-routes.ts";
import { fileRoutes } from "./files/file-routes.ts";
import type { ApiPlugin } from "./http/typed-server.ts";
import { jobRoutes } from "./jobs/job-routes.ts";
import { messageBatchRoutes } from "./message-batches/message-batch-routes.ts";
import { messageRoutes } from "./messages/message-routes.ts";
import { modelRoutes } from "./models/model-routes.ts";
import { moderationRoutes } from "./moderations/moderation-routes.ts";
import { operationRoutes } from "./operations/operation-routes.ts";
import { rerankRoutes } from "./rerank/rerank-routes.ts";
import { responseRoutes } from "./responses/response-routes.ts";
import { uploadRoutes } from "./uploads/upload-routes.ts";

/** All routes of the API. */
export function createRoutes(context: ApiContext): ApiPlugin[] {
  return [
    operationRoutes(context),
    modelRoutes(context),
    chatRoutes(context),
    embeddingRoutes(context),
    fileRoutes(context),
    uploadRoutes(context),
    batchRoutes(context),
    jobRoutes(context),
    messageRoutes(context),
    messageBatchRoutes(context),
    responseRoutes(context),
    completionRoutes(context),
    moderationRoutes(context),
    rerankRoutes(context),
    fastchatRoutes(context),
  ];
}
