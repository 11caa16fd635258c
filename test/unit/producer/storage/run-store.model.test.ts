import fc from "fast-check";
import { expect, test } from "vitest";
import { resetRecords } from "#src/producer/storage/failure-rows.ts";
import { openRunDatabase } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { RecordCounts } from "#src/producer/storage/store-state.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { copyDatabase } from "./support/expect-records.ts";
import { itemsWithDuplicates, openStore, plannedFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const ITEMS = 24;
const ORIGINALS: Readonly<Record<number, number>> = { 5: 2, 9: 2, 11: 7, 20: 0, 23: 2 };
const isOriginal = (index: number) => ORIGINALS[index] === undefined;
const KINDS = ["server", "too-long"] as const;

interface Result {
  readonly index: number;
  readonly attempts: number;
  readonly tokens: number;
  readonly outputTokens: number;
  readonly failure: (typeof KINDS)[number] | undefined;
}

type Step =
  | { readonly name: "write"; readonly results: readonly Result[] }
  | { readonly name: "reset"; readonly kinds: readonly string[] }
  | { readonly name: "sync" | "reopen" | "kill" | "power" };

const result = fc
  .record({
    index: fc.nat(ITEMS - 1).filter(isOriginal),
    attempts: fc.nat(3),
    tokens: fc.nat(50),
    outputTokens: fc.nat(50),
    failure: fc.option(fc.constantFrom(...KINDS), { nil: undefined }),
  })
  // A failure has at least one attempt.
  .map((one): Result => (one.failure ? { ...one, attempts: one.attempts + 1 } : one));
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.array(result, { maxLength: 8 }).map((results): Step => ({ name: "write", results })) },
    { weight: 3, arbitrary: fc.constant<Step>({ name: "sync" }) },
    { weight: 2, arbitrary: fc.constantFrom<Step>({ name: "reopen" }, { name: "kill" }, { name: "power" }) },
    { weight: 1, arbitrary: fc.subarray([...KINDS]).map((kinds): Step => ({ name: "reset", kinds })) },
  ),
  { maxLength: 20 },
);

/** The records by item, as the store should have them. */
type Model = Map<number, Result>;

function addToModel(model: Model, results: readonly Result[]): void {
  for (const one of results) {
    if (model.has(one.index)) continue;
    model.set(one.index, one);
    for (const [duplicate, original] of Object.entries(ORIGINALS)) {
      const index = Number(duplicate);
      if (original === one.index && !model.has(index)) model.set(index, { ...one, index, attempts: 0 });
    }
  }
}

function countModel(model: Model, hasAnswers: boolean): RecordCounts {
  const all = [...model.values()];
  const sum = (records: readonly Result[], of: (record: Result) => number) => records.reduce((n, r) => n + of(r), 0);
  const failed = all.filter(({ failure }) => failure !== undefined);
  const reused = all.filter(({ failure, attempts }) => failure === undefined && attempts === 0);
  const cached = reused.filter(({ index }) => isOriginal(index)).length;
  return {
    ...{ items: ITEMS, ok: all.length - failed.length, failed: failed.length, missing: ITEMS - all.length },
    tokens: sum(all, ({ tokens }) => tokens) - sum(reused, ({ tokens }) => tokens),
    attempts: sum(all, ({ attempts }) => attempts),
    reused: {
      ...{ cached, duplicates: reused.length - cached, tokens: sum(reused, ({ tokens }) => tokens) },
      outputTokens: hasAnswers ? sum(reused, ({ tokens, outputTokens }) => Math.min(tokens, outputTokens)) : 0,
    },
  };
}

const vectorOf = ({ index, tokens }: Result) => Buffer.from(Float32Array.of(index, tokens, -index).buffer);

function toRecord(one: Result, hasAnswers: boolean): WireRecord {
  const { index, attempts, tokens, outputTokens, failure } = one;
  if (failure) return { index, attempts, tokens, failure: { kind: failure, message: `HTTP ${tokens}` } };
  if (!hasAnswers) return { index, attempts, tokens, vector: vectorOf(one) };
  return { index, attempts, tokens, json: { text: `answer ${index}`, usage: { outputTokens } } };
}

async function expectModel(store: RunStore, model: Model, hasAnswers: boolean): Promise<void> {
  await store.sync();
  expect(store.counts()).toEqual(countModel(model, hasAnswers));
  const originalOf = (index: number) => ORIGINALS[index] ?? index;
  for (const [index, expected] of model) {
    const { rows, vectors, damaged } = await store.read(index, 1, hasAnswers ? undefined : new Uint8Array(12));
    expect(damaged).toEqual([]);
    const { attempts, tokens, failure } = expected;
    expect(rows[0]?.record).toMatchObject({ index, attempts, tokens, status: failure ? "failed" : "ok" });
    expect(rows[0]?.record.failure?.kind).toBe(failure);
    if (failure) continue;
    if (hasAnswers) expect(rows[0]?.record.answer).toContain(`answer ${originalOf(index)}`);
    else expect(Buffer.from(vectors.buffer)).toEqual(vectorOf({ ...expected, index: originalOf(index) }));
  }
}

test.each([
  ["vectors", false],
  ["answers", true],
])(
  "for any order of writes, syncs, kills, power failures and resets, %s and counts are those of a model",
  async (_, hasAnswers) => {
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (plan, coins) => {
        let dir = await plannedFolder(itemsWithDuplicates(ITEMS, ORIGINALS));
        let disk = new UnsafeDisk();
        const open = () => openStore(dir, ITEMS, hasAnswers ? { vectors: undefined } : { disk });
        let store = await open();
        let written: Model = new Map();
        let durable: Model = new Map();
        for (const step of plan) {
          if (step.name === "write") {
            addToModel(written, step.results);
            await store.write(step.results.map((one) => toRecord(one, hasAnswers)));
          } else if (step.name === "sync") {
            await store.sync();
            durable = new Map(written);
          } else if (step.name === "reopen" || step.name === "reset") {
            await store.close();
            durable = new Map(written);
            if (step.name === "reset") await reset(step.kinds);
            store = await open();
            await expectModel(store, durable, hasAnswers);
          } else {
            // A sync may be half-way at the end: then its records are all there, or none is.
            const sync = coins.next().value ? store.sync() : undefined;
            for (let turns = 0; sync !== undefined && turns < 9 && coins.next().value; turns += 1)
              await Promise.resolve();
            const copy = copyDatabase(dir);
            const after = step.name === "kill" ? disk.afterKill() : disk.afterPowerCut(() => coins.next().value);
            await store.close();
            dir = copy;
            disk = after;
            store = await open();
            if (sync !== undefined && store.counts().missing === ITEMS - written.size) durable = new Map(written);
            written = new Map(durable);
            await expectModel(store, durable, hasAnswers);
          }
        }
        await expectModel(store, written, hasAnswers);
        await store.close();

        async function reset(kinds: readonly string[]): Promise<void> {
          using database = openRunDatabase(dir).database;
          const failed = [...durable.values()].filter(({ failure }) => failure && kinds.includes(failure));
          await resetRecords(
            database,
            failed.map(({ index }) => index),
          );
          for (const { index } of failed) durable.delete(index);
          written = new Map(durable);
        }
      }),
      { numRuns: 40 },
    );
  },
);
