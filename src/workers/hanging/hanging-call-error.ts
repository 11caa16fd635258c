import { ProviderError } from "#src/core/failures/errors.ts";

/** A call that this worker aborted because it took much longer than usual. The provider may charge for it. */
export class HangingCallError extends ProviderError {
  /** Other calls of the lane were answered meanwhile. If not, the call says nothing about its inputs. */
  readonly isLaneAnswering: boolean;

  constructor(provider: string, { ageMs, usualMs, isLaneAnswering }: HangingCallDetails) {
    const usual = `calls usually take ${formatSeconds(usualMs)}`;
    super(`no answer after ${formatSeconds(ageMs)}, although ${usual}`, { kind: "timeout", provider, code: "HANGING" });
    this.isLaneAnswering = isLaneAnswering;
  }
}

interface HangingCallDetails {
  readonly ageMs: number;
  readonly usualMs: number;
  readonly isLaneAnswering: boolean;
}

function formatSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
