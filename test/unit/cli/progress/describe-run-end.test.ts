import { describe, expect, it } from "vitest";
import { describeRunEnd } from "#src/cli/progress/describe-run-end.ts";
import { sampleReport } from "./sample-report.ts";

describe("the last lines", () => {
  it("of a finished run state its result, its cost and its output files", () => {
    expect(describeRunEnd({ outcome: "finished", report: sampleReport(), output: "out" })).toEqual([
      "98 of 100 items succeeded in 20 s",
      "  2 failed: too-long 2",
      "  11 calls, 99.9 % full, 1 throttled, 1 duplicate, 40k tokens, 0.02 CNY",
      "  out/records.jsonl",
      "  out/errors.jsonl",
    ]);
  });

  it("name empty answers with the command that retries them, and count no savings of calls that are none", () => {
    const reused = { copies: 3, cached: 0, calls: 0, tokens: 40 };
    const report = sampleReport({ emptyAnswers: 2, reused });
    const lines = describeRunEnd({ outcome: "finished", report, output: "an out" });
    expect(lines).toContain("  2 answers are empty; \"sluice retry 'an out' --retry-empty\" requests them again");
    expect(lines).toContain("  3 duplicates: 40 tokens saved");
  });

  it("name the cost of each model, and the sum of those that are known", () => {
    const costs = [
      { model: "a/one", tokens: 10, cost: { amount: 1.5, currency: "USD" } },
      { model: "a/two", tokens: 20, cost: { amount: 0.5, currency: "USD" } },
      { model: "b/three", tokens: 3_000 },
      { model: "b/unused", tokens: 0 },
    ];
    const lines = describeRunEnd({
      outcome: "finished",
      report: sampleReport({ cost: undefined, costs }),
      output: "out",
    });
    expect(lines.slice(2, 7)).toEqual([
      "  11 calls, 99.9 % full, 1 throttled, 1 duplicate, 40k tokens, 2.00 USD, without 1 model",
      "  a/one: 10 tokens, 1.50 USD",
      "  a/two: 20 tokens, 0.50 USD",
      "  b/three: 3k tokens, price unknown",
      "  b/unused: 0 tokens, price unknown",
    ]);
  });

  it("suggest a chunk size if items were too long, also below a panel", () => {
    const lines = describeRunEnd(
      { outcome: "finished", report: sampleReport({ suggestedChunkTokens: 120 }), output: "out" },
      { isBrief: true },
    );
    expect(lines).toContain(
      "  2 items are too long for the model; --chunk-tokens 120 in a new run (another --out) splits them",
    );
  });

  it("mention lanes that were parked, also below a panel", () => {
    const report = sampleReport({
      parkedLanes: [{ lane: "minimax:b/embo-01", reason: "auth: check MINIMAX_API_KEY_B" }],
    });
    const lines = describeRunEnd({ outcome: "finished", report, output: "out" }, { isBrief: true });
    expect(lines).toContain("  minimax:b/embo-01 is parked and made no further calls: auth: check MINIMAX_API_KEY_B");
  });

  it("leave out the statistics below a panel, which shows them", () => {
    expect(describeRunEnd({ outcome: "finished", report: sampleReport(), output: "out" }, { isBrief: true })).toEqual([
      "98 of 100 items succeeded in 20 s",
      "  out/records.jsonl",
      "  out/errors.jsonl",
    ]);
  });

  it("of a run with --skip-invalid state how many entries of the input are not in the output", () => {
    const { source } = sampleReport();
    const report = sampleReport({ source: { ...source, skippedInvalid: 7 }, tokens: 1 });
    expect(describeRunEnd({ outcome: "finished", report, output: "out" })).toEqual([
      "98 of 100 items succeeded in 20 s",
      "  2 failed: too-long 2",
      "  11 calls, 99.9 % full, 1 throttled, 1 duplicate, 1 token, 0.02 CNY",
      "  7 invalid entries skipped (--skip-invalid)",
      "  out/records.jsonl",
      "  out/errors.jsonl",
    ]);
    expect(describeRunEnd({ outcome: "finished", report, output: "out" }, { isBrief: true })).toContain(
      "  7 invalid entries skipped (--skip-invalid)",
    );
  });

  it("of a run without failures, batches or a price do not mention them", () => {
    const {
      cost: _,
      batchFill: __,
      ...rest
    } = sampleReport({ items: { total: 1, succeeded: 1, failed: 0, missing: 0 } });
    expect(describeRunEnd({ outcome: "finished", report: rest, output: "out" }).slice(0, 2)).toEqual([
      "1 of 1 item succeeded in 20 s",
      "  11 calls, 1 throttled, 1 duplicate, 40k tokens",
    ]);
  });

  it("of a stopped run state the reason and what to do, without control characters", () => {
    expect(describeRunEnd({ outcome: "stopped", message: "no \u001b[31mmoney", hint: "pay" })).toEqual([
      "stopped: no money",
      "  pay",
    ]);
    expect(describeRunEnd({ outcome: "stopped", message: "interrupted" })).toEqual(["stopped: interrupted"]);
  });
});
