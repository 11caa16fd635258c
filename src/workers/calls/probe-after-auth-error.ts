import { ProviderError } from "#src/core/failures/errors.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import type { LaneProber, LaneProberDeps, ProbeCall, ProbeResult } from "./lane-prober.ts";

/** From this number of refusals without an answer to a probe on, the account is the cause, so that a run does not last forever. */
const MAX_UNDECIDED = 30;

/** Whether the error may be caused by an input although it looks like a problem of the account: HTTP 401 or 403. */
export function needsProbe({ kind, status }: ProviderError, inputs: readonly PendingInput[]): boolean {
  const isTooOftenUndecided = inputs.some(({ undecided = 0 }) => undecided >= MAX_UNDECIDED);
  return kind === "auth" && (status === 401 || status === 403) && !isTooOftenUndecided;
}

/**
 * Finds out by a small call with another input whether the account or the input is the cause of a 401 or 403. Undecided
 * when that call was neither accepted nor refused: the lane may be snoozed or out.
 */
export async function probeAfterAuthError(
  refusal: ProviderError,
  grant: Grant<unknown>,
  call: ProbeCall,
  deps: LaneProberDeps & { readonly prober: LaneProber },
): Promise<{ readonly error: ProviderError; readonly isUndecided: boolean }> {
  const result = await deps.prober.probe({ grant, status: refusal.status }, call, deps);
  const error = explainRefusal(refusal, result, deps.signal.aborted);
  return { error, isUndecided: result === undefined && error.kind !== "aborted" };
}

/** The error of a refused input after a probe. `isStopping`: the worker stops, which may have cut the probe. */
function explainRefusal(error: ProviderError, result: ProbeResult, isStopping: boolean): ProviderError {
  if (result === "refused") return error;
  const { provider, status, code, requestId, providerMessage, param } = error;
  const details = { provider, status, code, requestId, providerMessage, param, cause: error };
  if (result === "accepted")
    return new ProviderError(
      `the provider rejected this input (HTTP ${status}) but accepts others: a content filter or a firewall rejects it`,
      { ...details, kind: "content-filter" },
    );
  return new ProviderError(`the provider rejected the call (HTTP ${status}), and a test call was not answered`, {
    ...details,
    kind: isStopping ? "aborted" : "server",
  });
}
