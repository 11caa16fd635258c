import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { failsAt } from "./sample-record.ts";

/** What item `index` is answered; `version` tells a late duplicate from the first. Sizes differ widely. */
export function sampleAnswer(index: number, version = 0): unknown {
  return { text: `答 ${index} ${"x".repeat((index * 97) % 900)}\n"quoted"`, version };
}

export function answerRecord(index: number, version = 0): WireRecord {
  const common = { index, attempts: (index % 5) + 1, tokens: index * 2 };
  if (!failsAt(index)) return { ...common, json: sampleAnswer(index, version) };
  return { ...common, failure: { kind: "content-filter", message: `refused ${version}`, code: `1${index}` } };
}
