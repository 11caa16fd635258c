import type { CallResources } from "#src/evaluation/scorer-call.ts";
import { BatchRequestReader } from "#src/producer/openai-batch/batch-request.ts";
import type { RequestChecker } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";

/** Finds models of scorers, and what they would reject, without a call. */
export function createCallModelResolver(
  registry: ProviderRegistry,
  checkRequest: RequestChecker,
): CallResources["resolveModel"] {
  const reader = new BatchRequestReader(undefined, registry);
  return (model, kind, fields) => {
    const [url, input] =
      kind === "chat"
        ? ["/v1/chat/completions", { messages: [{ role: "user", content: "check" }] }]
        : ["/v1/embeddings", { input: "check" }];
    const read = reader.read({ custom_id: "check", method: "POST", url, body: { ...fields, ...input, model } });
    if (typeof read === "string") return { problem: read };
    const { rejected = [] } = read.endpoint === "/v1/embeddings" ? {} : (checkRequest(model, read.chat) ?? {});
    return rejected.length > 0
      ? { problem: `${model} would reject this request: ${rejected.join("; ")}` }
      : { name: read.model.name };
  };
}
