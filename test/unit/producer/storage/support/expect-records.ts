import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { answerRecord, sampleAnswer } from "./sample-answer.ts";
import { sampleRecord, sampleVector } from "./sample-record.ts";

/**
 * Asserts that every durable record of the store is bit for bit the expected version of its item, and that its sums are
 * those of these records. Returns the items that have one, in order. Without dimensions, results are JSON.
 */
export async function expectFirstVersions(
  store: RunStore,
  dimensions: number | undefined,
  version: (index: number) => number = () => 0,
): Promise<number[]> {
  const present = Array.from({ length: store.items }, (_, i) => i).filter((index) => store.has(index));
  for (const index of present) {
    const block = await store.read(index, 1, dimensions ? new Uint8Array(store.dimensions * 4) : undefined);
    const expected = dimensions ? sampleRecord(index, dimensions, version(index)) : answerRecord(index, version(index));
    expect(block.damaged).toEqual([]);
    const [{ record } = { record: undefined }] = block.rows;
    expect(record).toMatchObject({ index, attempts: expected.attempts, tokens: expected.tokens });
    if (expected.failure) expect(record?.failure).toEqual(expected.failure);
    else if (dimensions) expect(block.vectors).toEqual(sampleVector(index, dimensions, version(index)));
    else expect(JSON.parse(record?.answer ?? "")).toEqual(sampleAnswer(index, version(index)));
  }
  const { ok, failed, missing } = store.counts();
  expect([ok + failed, missing]).toEqual([present.length, store.items - present.length]);
  return present;
}

/** Copies the database of a run that is open to a new folder, as a kill at this moment would leave it. */
export function copyDatabase(dir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "sluice-killed-"));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ["run.db", "run.db-wal"]) {
    if (existsSync(join(dir, name))) copyFileSync(join(dir, name), join(copy, name));
  }
  return copy;
}
