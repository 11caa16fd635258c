import * as z from "zod";
import { ownedBy } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitItem } from "#src/api/chat/await-chat.ts";
import { scopeKey } from "#src/api/chat/start-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import type { ModelData } from "#src/providers/provider.ts";

const document = z.union([z.string(), z.looseObject({ text: z.string() })]);
const rerankBody = z.looseObject({
  model: z.string().min(1).max(400).describe('"provider/model", or the name of a model that only one provider has'),
  query: z.string().min(1),
  documents: z.array(document).min(1).max(10_000),
  top_n: z.int().positive().nullish().describe("How many results to return; by default all"),
  return_documents: z.boolean().nullish(),
});

/** Ranks documents by their relevance to a query, in the format of Cohere and Jina. */
export function rerankRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const schema = { tags: ["Rerank"], summary: "Rank documents", body: rerankBody, headers: idempotencyHeaders };
    server.post("/v1/rerank", { schema }, async ({ body, caller, headers }, reply) => {
      const { query, top_n: top, return_documents: returnsDocuments } = body;
      const documents = body.documents.map((each) => (typeof each === "string" ? each : each.text));
      const model = await context.models.find(body.model, "rerank");
      if (!caller.allowsModel(model.fullName)) throw API_ERRORS.forbiddenModel(model.fullName);
      const use = { model: model.fullName, inputTokens: measureInput(model.data, query, documents), outputTokens: 0 };
      const admission = await context.access.admit(caller, use);
      const key = headers["idempotency-key"];
      const { id } = await context.sluice
        .submitRerank({
          ...{ model: model.fullName, query, documents },
          ttlMs: context.settings.ttlMs,
          ...ownedBy(caller),
          ...(key === undefined ? {} : { idempotencyKey: scopeKey(caller, "rerank", key) }),
        })
        .catch(async (error) => {
          await admission.settle(undefined);
          throw error;
        });
      admission.attach(id, { mayRepeat: key !== undefined });
      const waiting = { id, model, admission };
      const record = await awaitItem(context, waiting, (options) => context.sluice.ranking(id, options));
      await admission.settle(record.status === "ok" ? record.response.usage : undefined);
      if (record.status === "failed") throw failureToError(record.failure);
      const { results, usage, extra } = record.response;
      reply.headers({ ...admission.headers, "x-sluice-item": id });
      return {
        ...extra,
        id,
        model: model.fullName,
        results: results.slice(0, top ?? undefined).map(({ index, score }) => ({
          index,
          relevance_score: score,
          ...(returnsDocuments ? { document: { text: documents[index] ?? "" } } : {}),
        })),
        usage: { total_tokens: usage.totalTokens ?? null },
      };
    });
  };
}

/** Tokens, or search units where the vendor bills these: the price is for one or the other. */
function measureInput({ documentsPerSearchUnit }: ModelData, query: string, documents: readonly string[]): number {
  if (documentsPerSearchUnit !== undefined) return Math.ceil(documents.length / documentsPerSearchUnit);
  // A model reads the query once per document.
  const queryTokens = estimateTokens(query) * documents.length;
  return documents.reduce((sum, text) => sum + estimateTokens(text), queryTokens);
}
