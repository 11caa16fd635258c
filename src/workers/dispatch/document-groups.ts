import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { RerankRequest, RerankResponse } from "#src/providers/provider.ts";

/** The requests that together rank all documents, if a call takes at most `maxDocuments`. */
export function splitDocuments(request: RerankRequest, maxDocuments: number): readonly RerankRequest[] {
  const { query, documents } = request;
  if (documents.length <= maxDocuments) return [request];
  return Array.from({ length: Math.ceil(documents.length / maxDocuments) }, (_, i) => ({
    query,
    documents: documents.slice(i * maxDocuments, (i + 1) * maxDocuments),
  }));
}

/** The documents of all groups by their scores; equal scores are in the order of the request. */
export function combineRankings(answers: readonly RerankResponse[]): RerankResponse {
  let offset = 0;
  const results = answers.flatMap((answer) => {
    const start = offset;
    offset += answer.results.length;
    return answer.results.map((result) => ({ ...result, index: start + result.index }));
  });
  const totals = answers.map(({ usage }) => usage.totalTokens);
  const areKnown = totals.every((total) => total !== undefined);
  return omitUndefined({
    results: results.sort((a, b) => b.score - a.score || a.index - b.index),
    usage: areKnown ? { totalTokens: totals.reduce((sum, total) => sum + total, 0) } : {},
    requestId: answers[0]?.requestId,
    calls: answers.map(({ requestId, extra }) => omitUndefined({ requestId, extra })),
  });
}
