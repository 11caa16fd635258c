import { type CheckedCall, type Endpoint, parseBody } from "#src/simulator/server/endpoint.ts";
import { countRerankTokens, rankDocuments } from "./rank-documents.ts";
import {
  COHERE_RERANK,
  JINA_RERANK,
  type RerankCall,
  type RerankProtocol,
  TEI_RERANK,
  VLLM_RERANK,
} from "./rerank-protocols.ts";

/** The rerank endpoints of Cohere, Jina, vLLM, and TEI; the last two are beside the OpenAI protocol. */
export function createRerankEndpoints(apiKey: string): readonly Endpoint<RerankCall & CheckedCall>[] {
  return [COHERE_RERANK, JINA_RERANK, VLLM_RERANK, TEI_RERANK].map((protocol) => createEndpoint(protocol, apiKey));
}

function createEndpoint(protocol: RerankProtocol, apiKey: string): Endpoint<RerankCall & CheckedCall> {
  const refuse = (status: number, message: string) => ({ refusal: protocol.error(status, message) });
  return {
    path: protocol.path,
    limitKey: () => protocol.path,
    check: ({ headers, body }) => {
      if (headers.authorization !== `Bearer ${apiKey}`) return refuse(401, "invalid api token");
      const { data, error } = protocol.schema.safeParse(parseBody(body));
      if (!data) return refuse(422, `invalid request: ${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
      const problem = protocol.findProblem?.(data);
      if (problem) return refuse(...problem);
      return { accepted: { ...data, tokens: countRerankTokens(data.query, data.texts) } };
    },
    throttle: (limit) => protocol.throttle(limit),
    fail: (code, message) => protocol.error(code, message ?? "simulated failure"),
    succeed: (call, _, defect) => {
      const ranked = rankDocuments(call.query, call.texts, defect);
      return protocol.answer(call, call.topN === undefined ? ranked : ranked.slice(0, call.topN));
    },
  };
}
