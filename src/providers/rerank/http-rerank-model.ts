import type { RerankModel } from "#src/providers/provider.ts";
import type { TimeLimits, Transport } from "#src/providers/transport/transport.ts";
import { decodeRerank, encodeRerank, type RerankDialect } from "./rerank-codec.ts";

export interface HttpRerankOptions {
  readonly transport: Transport;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly maxDocuments: number;
  readonly dialect: RerankDialect;
  readonly timeLimits?: TimeLimits | undefined;
}

/** A rerank model over HTTP: one POST per call. */
export function createHttpRerankModel(options: HttpRerankOptions): RerankModel {
  const { transport, url, model, maxDocuments, dialect, timeLimits } = options;
  const { provider } = dialect;
  const headers = { ...options.headers, accept: "application/json", "content-type": "application/json" };
  return {
    maxDocuments,
    async rerank(request, call) {
      const body = encodeRerank(model, request, dialect, maxDocuments);
      const response = await transport.post({ provider, url, headers, body, timeLimits }, call);
      return decodeRerank(response, request.documents.length, Date.now(), dialect);
    },
  };
}
