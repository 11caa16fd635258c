import type { RunStart } from "#src/cli/progress/run-reporter.ts";
import type { EmbeddingManifest } from "#src/producer/runs/run-manifest.ts";

export const START: RunStart = {
  runId: "r1",
  model: "minimax/embo-01",
  output: "./out",
  items: 100,
  done: 0,
};

export function sampleReport(changes: Partial<EmbeddingManifest> = {}): EmbeddingManifest {
  return {
    version: 1,
    run: "r1",
    kind: "embedding",
    state: "finished",
    sluice: "0.1.0",
    model: "minimax/embo-01",
    type: "db",
    source: {
      paths: ["docs"],
      sha256: "00",
      fingerprint: "00",
      files: 1,
      skippedFiles: 0,
      documents: 1,
      bytes: 1,
      items: 100,
      estimatedTokens: 1,
      skippedInvalid: 0,
    },
    output: { format: "jsonl", withText: false, files: ["records.jsonl", "errors.jsonl"] },
    createdAt: "2026-03-01T11:00:00Z",
    activeMs: 20_000,
    items: { total: 100, succeeded: 98, failed: 2, missing: 0 },
    failuresByKind: { "too-long": 2 },
    tokens: 40_000,
    calls: { made: 11, answered: 10, failed: 0, throttled: 1, paidTwice: 1 },
    snoozes: 3,
    batchFill: 0.999,
    cost: { amount: 0.02, currency: "CNY" },
    counters: {},
    ...changes,
  };
}
