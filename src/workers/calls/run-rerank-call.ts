import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import type { RerankModel } from "#src/providers/provider.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { RerankInput } from "#src/workers/dispatch/rerank-input.ts";
import { commitRecords } from "./commit-records.ts";
import type { FailureDeps } from "./handle-failure.ts";
import { PROBE_TEXT } from "./lane-prober.ts";
import { runSingleCall, SINGLE_INPUT } from "./run-single-call.ts";

/** Ranks the documents of one item; see `runSingleCall`. */
export async function runRerankCall(
  [input]: readonly RerankInput[],
  grant: Grant<RerankModel>,
  deps: FailureDeps,
): Promise<FailureDecision | undefined> {
  if (!input) return undefined;
  const { request, index, attempts, tokens } = input;
  const { model } = grant.lane;
  return await runSingleCall(
    input,
    grant,
    {
      request,
      send: (call) => model.rerank(request, call),
      part: input.part,
      probe: async () => {
        const probe = { query: PROBE_TEXT, documents: [PROBE_TEXT] };
        return (await model.rerank(probe, { signal: deps.signal })).usage.totalTokens;
      },
      commit: async (answer, call) => {
        const record = {
          index,
          attempts: attempts + 1,
          json: answer,
          call,
          tokens: answer.usage.totalTokens ?? tokens,
        };
        await commitRecords([input], () => record, { answered: SINGLE_INPUT }, deps);
      },
    },
    deps,
  );
}
