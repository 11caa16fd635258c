import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { createHttpRerankModel } from "./http-rerank-model.ts";
import { classifyRerankResponse, DEFAULT_MAX_DOCUMENTS, type RerankProfile } from "./profiles.ts";

/** The registry entry of a vendor whose models only rerank. `close` closes the transport, which accounts may share. */
export function createRerankEntry(profile: RerankProfile): ProviderEntry {
  const { name, path, fields } = profile;
  return {
    ...profile,
    create: ({ baseUrl, apiKey }, transport, describe) => ({
      name,
      rerank: (model) =>
        createHttpRerankModel({
          transport,
          url: new URL(`${baseUrl.replace(/\/+$/, "").replace(/\/v\d$/, "")}/${path}`),
          headers: { authorization: `Bearer ${apiKey}` },
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
    }),
  };
}
