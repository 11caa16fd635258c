import type { CallDurations } from "#src/core/call-durations.ts";
import type { ProviderError } from "#src/core/failures/errors.ts";
import { formatLane } from "#src/core/lane.ts";
import type { TokenCount } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Usage } from "#src/providers/provider.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";
import type { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import { groupByRun, type PendingInput } from "#src/workers/dispatch/pending-input.ts";

/** Receives the start, outcome and commit of upstream calls. Other methods than `flushAttempts` must return quickly, and none may throw. */
export interface CallObserver {
  /** A call is about to be made. */
  call(grant: Grant<unknown>, inputs: readonly PendingInput[]): CallSpan;
  /** Counts accepted records; `kind` is `ok` or the kind of their failure. */
  countRecords(kind: string, records: number): void;
  /** Resolves when the failed attempts of a run so far are written. Never rejects. */
  flushAttempts(run: string): Promise<void>;
}

/** The observer's view of one upstream call. Either `answered` or `failed` is called, once. */
export interface CallSpan {
  /** A delta was received; only the first one is measured. */
  delta(): void;
  answered(usage: Usage): void;
  failed(error: ProviderError): void;
  /** The records of an answered call are in Redis. */
  committed(): void;
}

/** Records every call in the telemetry, and failed calls of runs in the runs' journals. */
export function observeCalls(writer: TelemetryWriter, worker: string): CallObserver {
  return {
    countRecords: (kind, records) => writer.countRecords(kind, records),
    flushAttempts: (run) => writer.flushAttempts(run),
    call(grant, inputs) {
      const startedAt = performance.now();
      const { lane, price } = grant.lane;
      const call = { lane, inputs: inputs.length, price, at: grant.reservation.grantedAt };
      let firstDeltaMs: number | undefined;
      const measure = () => omitUndefined({ ...call, firstDeltaMs });
      return {
        delta() {
          firstDeltaMs ??= performance.now() - startedAt;
        },
        answered(usage) {
          const durationMs = performance.now() - startedAt;
          writer.observe({ ...measure(), durationMs, tokens: readTokenUsage(usage, inputs) });
        },
        failed({ kind, message, code, providerMessage }) {
          writer.observe({ ...measure(), error: kind });
          if (kind === "aborted") return;
          for (const runInputs of groupByRun(inputs.filter(({ ledger }) => ledger instanceof RunLedger))) {
            const [first] = runInputs;
            if (!first) continue;
            writer.record(first.runId, {
              items: runInputs.map(({ index }) => index),
              attempt: Math.max(...runInputs.map(({ attempts }) => attempts)) + 1,
              kind,
              message,
              code,
              providerMessage,
              durationMs: performance.now() - startedAt,
              worker,
              lane: formatLane(lane),
              startedAt: grant.reservation.grantedAt,
            });
          }
        },
        committed: () => undefined,
      };
    },
  };
}

/** Records how long answered calls took. */
export function observeDurations(durations: CallDurations): CallObserver {
  return {
    countRecords: () => undefined,
    flushAttempts: async () => undefined,
    call() {
      const startedAt = performance.now();
      return {
        delta: () => undefined,
        answered: () => durations.add(performance.now() - startedAt),
        failed: () => undefined,
        committed: () => undefined,
      };
    },
  };
}

/** Tokens that the provider reported; missing numbers are estimated. */
function readTokenUsage(usage: Usage, inputs: readonly PendingInput[]): TokenCount {
  const { inputTokens, outputTokens = 0, totalTokens, cachedTokens: cachedInput, cacheWriteTokens: cacheWrite } = usage;
  if (inputTokens !== undefined)
    return omitUndefined({ input: inputTokens, output: outputTokens, cachedInput, cacheWrite });
  if (totalTokens !== undefined) return { input: Math.max(0, totalTokens - outputTokens), output: outputTokens };
  return { input: inputs.reduce((sum, { tokens }) => sum + tokens, 0), output: outputTokens };
}
