import { randomBytes } from "node:crypto";
import type { Plan } from "#src/producer/plan/plan.ts";
import type { CommandLine } from "./command-line.ts";
import type { RunManifest } from "./run-manifest.ts";

/** The request for a new run of any kind. */
export interface NewRun {
  /** The sources as the user typed them. */
  readonly paths: readonly string[];
  /** Output folder, absolute. */
  readonly dir: string;
  /** Delete another run that the folder contains. */
  readonly force: boolean;
  /** Recorded with the run; absent if no command line started it. */
  readonly commandLine?: CommandLine;
  readonly sluiceVersion: string;
  /** Name and note of the run; a run that exists keeps its own where these are absent. */
  readonly name?: string;
  readonly note?: string;
  /** Epoch ms. */
  readonly now: number;
}

/** The manifest fields that all kinds of runs share. */
export type BaseManifest = ReturnType<typeof createBaseManifest>;

/** The base of the manifest of a run without any records. */
export function createBaseManifest(
  kind: RunManifest["kind"],
  { paths, sluiceVersion, now, name, note }: NewRun,
  plan: Plan,
) {
  return {
    version: 1 as const,
    run: createRunId(kind.charAt(0), now),
    state: "planned" as const,
    sluice: sluiceVersion,
    name,
    note,
    source: {
      paths: [...paths],
      sha256: plan.sourceHash,
      stdin: plan.stdin,
      fingerprint: plan.fingerprint,
      files: plan.files,
      skippedFiles: plan.skippedFiles,
      documents: plan.documents,
      bytes: plan.bytes,
      items: plan.items,
      estimatedTokens: plan.tokens,
      skippedInvalid: plan.problemCount,
    },
    createdAt: new Date(now).toISOString(),
    activeMs: 0,
    items: { total: plan.items, succeeded: 0, failed: 0, missing: plan.items },
    failuresByKind: {},
    tokens: 0,
    calls: { made: 0, answered: 0, failed: 0, throttled: 0, paidTwice: 0 },
    snoozes: 0,
    counters: {},
  };
}

/** "e-20261121-k3m9x2ab": first letter of the kind, date, and 8 random characters against collisions. */
function createRunId(prefix: string, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const suffix = Array.from(randomBytes(8), (byte) => alphabet[byte % alphabet.length]).join("");
  return `${prefix}-${day}-${suffix}`;
}
