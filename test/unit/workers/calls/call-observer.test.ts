import { expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { FailedAttempt } from "#src/state/runs/run-journal.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";
import type { CallMeasurement } from "#src/state/telemetry/telemetry.ts";
import type { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import { observeCalls } from "#src/workers/calls/call-observer.ts";
import { combineObservers } from "#src/workers/calls/trace-calls.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";

const lane = { provider: "p", account: "default", model: "m" };
const grant = { lane: { lane, limits: {}, model: {} }, reservation: { id: "r", grantedAt: 17 } };

function createRecordingObserver() {
  const outcomes: CallMeasurement[] = [];
  const attempts: (FailedAttempt & { readonly run: string })[] = [];
  const writer: Pick<TelemetryWriter, "observe" | "record" | "countRecords"> = {
    observe: (outcome) => void outcomes.push(outcome),
    record: (run, attempt) => void attempts.push({ run, ...attempt }),
    countRecords: () => undefined,
  };
  return { outcomes, attempts, observer: observeCalls(writer as TelemetryWriter, "w1") };
}

function input(index: number, runId: string, runInputs = true, attempts = 0): PendingInput {
  const ledger = runInputs ? Object.create(RunLedger.prototype) : {};
  return { index, runId, ledger, attempts, tokens: 7 } as unknown as PendingInput;
}

test("tokens are those that the provider reported, or estimates if it reported none", () => {
  const { outcomes, observer } = createRecordingObserver();
  const inputs = [input(0, "a"), input(1, "a")];
  observer.call(grant, inputs).answered({ totalTokens: 40 });
  observer.call(grant, inputs).answered({ inputTokens: 5, outputTokens: 9 });
  observer.call(grant, inputs).answered({ totalTokens: 12, outputTokens: 9 });
  observer.call(grant, inputs).answered({});
  expect(outcomes.map(({ tokens }) => tokens)).toEqual([
    { input: 40, output: 0 },
    { input: 5, output: 9 },
    { input: 3, output: 9 },
    { input: 14, output: 0 },
  ]);
});

test("only the first delta counts, and only calls with deltas have one", () => {
  const { outcomes, observer } = createRecordingObserver();
  const call = observer.call(grant, [input(0, "a")]);
  call.delta();
  call.delta();
  call.answered({});
  observer.call(grant, [input(0, "a")]).answered({});
  expect(outcomes[0]?.firstDeltaMs).toBeLessThanOrEqual(outcomes[0]?.durationMs ?? 0);
  expect(outcomes[1]).not.toHaveProperty("firstDeltaMs");
});

test("a failed call is recorded once per run that it carries items of, and not for standalone items", () => {
  const { outcomes, attempts, observer } = createRecordingObserver();
  const inputs = [input(4, "a", true, 2), input(5, "a"), input(1, "b"), input(0, "alone", false)];
  observer.call(grant, inputs).failed(new ProviderError("down", { kind: "server", provider: "p", code: "7" }));
  expect(attempts).toMatchObject([
    {
      run: "a",
      items: [4, 5],
      attempt: 3,
      kind: "server",
      message: "down",
      code: "7",
      worker: "w1",
      lane: "p/m",
      startedAt: 17,
    },
    { run: "b", items: [1], attempt: 1 },
  ]);
  expect(outcomes).toMatchObject([{ error: "server", inputs: 4 }]);
});

test("an aborted call is counted but not recorded", () => {
  const { outcomes, attempts, observer } = createRecordingObserver();
  observer.call(grant, [input(0, "a")]).failed(new ProviderError("stop", { kind: "aborted", provider: "p" }));
  expect(outcomes).toMatchObject([{ error: "aborted" }]);
  expect(attempts).toEqual([]);
});

test("both observers receive the same", () => {
  const [a, b] = [createRecordingObserver(), createRecordingObserver()];
  const both = combineObservers(a.observer, b.observer);
  both.call(grant, [input(0, "a")]).answered({ totalTokens: 1 });
  both.call(grant, [input(0, "a")]).failed(new ProviderError("down", { kind: "network", provider: "p" }));
  expect(a.outcomes.map(({ error }) => error)).toEqual([undefined, "network"]);
  expect(b.outcomes.map(({ error }) => error)).toEqual([undefined, "network"]);
});
