import { classifyCompatibleBody, classifyCompatibleResponse } from "#src/providers/openai-compatible/classify-error.ts";
import { createOpenaiEmbeddingModel } from "#src/providers/openai-compatible/embedding-model.ts";
import type { EmbeddingModel, ModelData } from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { createHttpRerankModel } from "./http-rerank-model.ts";
import { classifyRerankResponse, DEFAULT_MAX_DOCUMENTS, type RerankProfile } from "./profiles.ts";

/** The registry entry of a vendor for rerank models. `close` closes the transport, which accounts may share. */
export function createRerankEntry(profile: RerankProfile): ProviderEntry {
  const { name, path, fields, embeddingPath } = profile;
  return {
    ...profile,
    create: ({ baseUrl, apiKey }, transport, describe) => {
      const createUrl = (end: string) => new URL(`${baseUrl.replace(/\/+$/, "").replace(/\/v\d$/, "")}/${end}`);
      const headers = { authorization: `Bearer ${apiKey}` };
      return {
        name,
        embedding:
          embeddingPath === undefined
            ? undefined
            : (model) =>
                createEmbeddingModel(
                  profile,
                  describe(model, "embedding"),
                  { url: createUrl(embeddingPath), headers },
                  transport,
                ),
        rerank: (model) =>
          createHttpRerankModel({
            transport,
            url: createUrl(path),
            headers,
            model,
            maxDocuments: describe(model, "rerank").maxInputs ?? DEFAULT_MAX_DOCUMENTS,
            dialect: {
              provider: name,
              form: "shared",
              fields,
              classify: (response, now) => classifyRerankResponse(response, now, profile),
            },
          }),
        close: () => transport.close(),
      };
    },
  };
}

function createEmbeddingModel(
  profile: RerankProfile,
  data: ModelData,
  target: { readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  transport: Transport,
): EmbeddingModel {
  const provider = profile.name;
  const request = { provider, ...target, headers: { ...target.headers, "content-type": "application/json" } };
  return createOpenaiEmbeddingModel(
    data,
    {
      provider,
      maxInputs: data.maxInputs ?? 1,
      encoding: "omitted",
      classifyBody: (body, head, now) => classifyCompatibleBody(body, head, now, profile),
      classifyResponse: (response, now) => classifyCompatibleResponse(response, now, profile, "readable vectors"),
    },
    (body, call) => transport.post({ ...request, body }, call),
  );
}
